-- Mandates that customers have revoked at the bank, and new ones that they gave since.
CREATE TABLE mandate_changes (
  merchant_id uuid NOT NULL,
  change_id uuid NOT NULL,
  pan_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('revoked', 'renewed')),
  scope text CHECK (scope IN ('payment', 'agreement', 'all')),
  code text,
  order_id uuid,
  subscription text,
  network_id text,
  at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  holds boolean NOT NULL DEFAULT true,
  PRIMARY KEY (merchant_id, pan_id, change_id),
  CHECK ((kind = 'revoked') = (scope IS NOT NULL))
);
CREATE INDEX mandate_changes_newest ON mandate_changes (merchant_id, at DESC, change_id DESC) WHERE kind = 'revoked';
CREATE INDEX mandate_changes_source ON mandate_changes (merchant_id, change_id);
GRANT SELECT, INSERT ON mandate_changes TO recoup_app;
GRANT UPDATE (holds) ON mandate_changes TO recoup_app;
-- Two more facts of an order's log, beside whatever rows it knows by now.
DO $$
DECLARE
  known text := (SELECT string_agg(quote_literal(row), E',\n  ' ORDER BY row COLLATE "C") FROM (
    SELECT part[1] AS row FROM pg_constraint c,
      regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+/[a-z_]+/[a-z_]+)''', 'g') AS part
    WHERE c.conname = 'order_log_lifecycle'
    UNION SELECT stage || '/' || fact || '/' || stage
    FROM unnest(ARRAY['authorised', 'cancelled', 'challenged', 'completed', 'declined', 'expired', 'held', 'problem',
      'processing', 'received']) AS stage, unnest(ARRAY['mandate_revoked', 'mandate_renewed']) AS fact) AS rows);
BEGIN
  ALTER DOMAIN lifecycle_row DROP CONSTRAINT order_log_lifecycle;
  EXECUTE format(E'ALTER DOMAIN lifecycle_row ADD CONSTRAINT order_log_lifecycle CHECK (VALUE IN (\n  %s\n))', known);
END $$;
-- A copy of a decline that revokes a mandate is looked at, too, where its payer is known.
CREATE OR REPLACE FUNCTION add_transmissions(told jsonb) RETURNS TABLE (transmit uuid, touches boolean) LANGUAGE plpgsql AS $$
DECLARE
  ids uuid[]; linked boolean[];
BEGIN
  SELECT array_agg(i.transmit_id), array_agg(
    EXISTS (SELECT FROM order_refs f WHERE f.merchant_id = i.merchant_id AND f.door = 'rescue'
      AND f.external_id = i.external_id)
    OR ((NOT i.is_declined OR i.revokes) AND EXISTS (SELECT FROM order_payer p
      WHERE p.merchant_id = i.merchant_id AND p.payer_id = i.payer_id)))
  INTO ids, linked
  FROM jsonb_to_recordset(told) AS i (merchant_id uuid, transmit_id uuid, external_id text, is_declined boolean,
    revokes boolean, payer_id uuid)
  WHERE i.transmit_id = ANY (ARRAY[i.transmit_id]);

  INSERT INTO transmissions (merchant_id, transmit_id, external_id, transaction_id, is_declined, is_mit, units, asset,
    code_source, code, bin, last4, payer_id, transacted_at, received_at, facts)
  SELECT merchant_id, transmit_id, external_id, transaction_id, is_declined, is_mit, units, asset, code_source, code,
    bin, last4, payer_id, transacted_at, received_at, facts
  FROM jsonb_populate_recordset(NULL::transmissions, told)
  ON CONFLICT DO NOTHING;
  INSERT INTO payers (merchant_id, payer_id, email, phone, name, external_id, first_seen_at)
  SELECT DISTINCT ON (merchant_id, payer_id) merchant_id, payer_id, email, phone, name, payer_external_id, business_at
  FROM jsonb_to_recordset(told) AS i (merchant_id uuid, payer_id uuid, email text, phone text, name text,
    payer_external_id text, business_at timestamptz)
  WHERE payer_id IS NOT NULL ORDER BY merchant_id, payer_id
  ON CONFLICT DO NOTHING;
  IF true = ANY (linked) THEN
    INSERT INTO due_work (merchant_id, kind, subject_id, due_at)
    SELECT i.merchant_id, 'transmission', i.transmit_id, i.business_at
    FROM jsonb_to_recordset(told) AS i (merchant_id uuid, transmit_id uuid, business_at timestamptz)
    JOIN unnest(ids, linked) AS l (transmit_id, linked) USING (transmit_id) WHERE l.linked
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN QUERY SELECT * FROM unnest(ids, linked);
END $$;
