-- Cards that are known to be one: their sends count together.
ALTER TABLE hub.cards ADD COLUMN joined_to uuid CHECK (joined_to <> card_id);
-- These cards are one, for good: the lowest id of all whom they are joined to stands for them. Locks what sends lock, in
-- the order of the ids, and what has no row yet last, as a send does.
CREATE FUNCTION hub.join_cards(same uuid[], at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  heads uuid[] := ARRAY(SELECT DISTINCT coalesce(joined_to, card_id) FROM cards WHERE card_id = ANY(same) ORDER BY 1);
  made uuid[];
BEGIN
  PERFORM FROM cards WHERE card_id = ANY(heads) ORDER BY card_id FOR UPDATE;
  WITH given AS (
    INSERT INTO cards (card_id, created_at) SELECT DISTINCT one, at FROM unnest(same) AS one
    WHERE NOT EXISTS (SELECT FROM cards c WHERE c.card_id = one) ORDER BY 1
    ON CONFLICT DO NOTHING RETURNING card_id
  ) SELECT array_agg(card_id) INTO made FROM given;
  heads := ARRAY(SELECT DISTINCT one FROM unnest(heads || made) AS one ORDER BY 1);
  IF EXISTS (SELECT FROM cards WHERE card_id = ANY(heads) AND joined_to IS NOT NULL)
      OR EXISTS (SELECT FROM cards WHERE card_id = ANY(same) AND coalesce(joined_to, card_id) <> ALL(heads)) THEN
    RAISE EXCEPTION 'another send or join was quicker' USING ERRCODE = 'serialization_failure';
  END IF;
  UPDATE cards SET joined_to = heads[1] WHERE card_id = ANY(heads[2:]) OR joined_to = ANY(heads[2:]);
END $$;
