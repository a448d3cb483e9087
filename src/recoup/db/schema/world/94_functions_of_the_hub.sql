-- What is counted over merchants. As in `90_functions.sql` each statement writes one table.

-- Puts events of merchants' feeds behind a partner's own, under the lock of its closer; in this order.
CREATE FUNCTION hub.feed_partner(partner uuid, merchants uuid[], numbers bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  last bigint := (SELECT number FROM partner_closers WHERE partner_id = partner);
  made int;
BEGIN
  FOR made IN
  INSERT INTO partner_feed (partner_id, number, merchant_id, merchant_number)
  SELECT partner, last + f.n, f.merchant_id, f.number
  FROM unnest(merchants, numbers) WITH ORDINALITY AS f (merchant_id, number, n)
  RETURNING 1 LOOP END LOOP;
  INSERT INTO partner_reached (partner_id, merchant_id, number)
  SELECT partner, f.merchant_id, max(f.number) FROM unnest(merchants, numbers) AS f (merchant_id, number) GROUP BY 2
  ON CONFLICT (partner_id, merchant_id) DO UPDATE SET number = EXCLUDED.number;
  UPDATE partner_closers c SET number = c.number + cardinality(numbers) WHERE c.partner_id = partner;
END $$;

-- These cards are one, for good: the lowest id of all whom they are joined to stands for them. Locks what sends lock, in
-- the order of the ids, and what has no row yet last, as a send does.
CREATE FUNCTION hub.join_cards(same uuid[], at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  heads uuid[] := ARRAY(SELECT DISTINCT coalesce(joined_to, card_id) FROM cards WHERE card_id = ANY(same) ORDER BY 1);
  missing uuid[] := ARRAY(SELECT DISTINCT i.card_id FROM unnest(same) AS i (card_id)
    WHERE NOT EXISTS (SELECT 1 FROM cards c WHERE c.card_id = i.card_id) ORDER BY 1);
  head uuid; others uuid[];
BEGIN
  PERFORM FROM cards WHERE card_id = ANY(heads) ORDER BY card_id FOR UPDATE;
  FOR head IN
  INSERT INTO cards (card_id, created_at) SELECT i.card_id, at FROM unnest(missing) AS i (card_id)
  ON CONFLICT DO NOTHING RETURNING card_id LOOP
    heads := heads || head;
  END LOOP;
  heads := ARRAY(SELECT DISTINCT i.card_id FROM unnest(heads) AS i (card_id) ORDER BY 1);
  head := heads[1];
  others := heads[2:];
  IF EXISTS (SELECT FROM cards WHERE card_id = ANY(heads) AND joined_to IS NOT NULL)
      OR EXISTS (SELECT FROM cards WHERE card_id = ANY(same) AND coalesce(joined_to, card_id) <> ALL(heads)) THEN
    RAISE EXCEPTION 'another send or join was quicker' USING ERRCODE = 'serialization_failure';
  END IF;
  UPDATE cards SET joined_to = head, joined_at = at WHERE card_id = ANY(others) OR joined_to = ANY(others);
END $$;
