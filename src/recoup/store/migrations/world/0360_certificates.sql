-- What is said of each month of a merchant's sends; and since when a send, its answer, and that two prints are one card
-- could be counted: of those that are there, nobody kept it.
ALTER TABLE hub.network_sends ADD COLUMN known_at timestamptz, ADD COLUMN answered_at timestamptz;
ALTER TABLE hub.cards ADD COLUMN joined_at timestamptz;
CREATE TABLE cell.certificate_clocks (
  merchant_id uuid PRIMARY KEY REFERENCES cell.merchants,
  month_from timestamptz NOT NULL
);
CREATE TABLE cell.certificates (
  merchant_id uuid NOT NULL,
  certificate_id uuid NOT NULL,
  chain_no int NOT NULL,
  month_from timestamptz NOT NULL,
  acceptor_id text NOT NULL,
  number int NOT NULL CHECK (number >= 1),
  reasons jsonb NOT NULL,
  sends bigint NOT NULL,
  refusals bigint NOT NULL,
  breaches bigint NOT NULL,
  recounted_by text NOT NULL CHECK (recounted_by IN ('issuer', 'statement', 'none')),
  content_hash bytea NOT NULL,
  root bytea NOT NULL,
  file bytea NOT NULL,
  made_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, certificate_id),
  UNIQUE (merchant_id, chain_no),
  UNIQUE (merchant_id, month_from, acceptor_id, number)
);
GRANT SELECT, INSERT ON cell.certificates TO recoup_app;
GRANT SELECT, INSERT, UPDATE ON cell.certificate_clocks TO recoup_app;
-- The merchants that are there begin with the month that runs now, each by its own clock.
INSERT INTO cell.certificate_clocks (merchant_id, month_from)
SELECT merchant_id, date_trunc('month', now() + offset_us * interval '1 microsecond', 'UTC') FROM cell.merchants;
INSERT INTO cell.due_work (merchant_id, kind, subject_id, due_at)
SELECT merchant_id, 'certificate', merchant_id,
  ((month_from AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC') + interval '3 days'
FROM cell.certificate_clocks;
CREATE OR REPLACE FUNCTION hub.join_cards(same uuid[], at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
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
  UPDATE cards SET joined_to = heads[1], joined_at = at WHERE card_id = ANY(heads[2:]) OR joined_to = ANY(heads[2:]);
END $$;
