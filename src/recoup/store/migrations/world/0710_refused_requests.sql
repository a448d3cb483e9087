-- What a processor refused, as wrong or for the account: counted by route, and shown with it.
ALTER TABLE directory.card_routes ADD COLUMN is_refused boolean NOT NULL DEFAULT false,
  ADD COLUMN refused_at timestamptz, ADD COLUMN refused_code text, ADD COLUMN refused_text text;
ALTER TABLE directory.card_route_hours ADD COLUMN refused bigint NOT NULL DEFAULT 0;
ALTER TABLE alerts DROP CONSTRAINT alerts_kind_check;
ALTER TABLE alerts ADD CONSTRAINT alerts_kind_check CHECK (kind IN
  ('orders', 'dispute', 'deadline', 'payout', 'settlement', 'webhook', 'go_live',
   'export', 'rate', 'drift', 'uplift', 'mandate', 'backtest', 'processor')) NOT VALID;
-- An order whose request was refused waits for a person at Problem, who may cancel it.
DO $$
DECLARE
  known text := (SELECT string_agg(quote_literal(row), E',\n  ' ORDER BY row COLLATE "C") FROM (
    SELECT part[1] AS row FROM pg_constraint c,
      regexp_matches(pg_get_constraintdef(c.oid), '''([a-z_]+/[a-z_]+/[a-z_]+)''', 'g') AS part
    WHERE c.conname = 'order_log_lifecycle'
    UNION SELECT 'problem/cancelled/cancelled') AS rows);
BEGIN
  ALTER DOMAIN lifecycle_row DROP CONSTRAINT order_log_lifecycle;
  EXECUTE format(E'ALTER DOMAIN lifecycle_row ADD CONSTRAINT order_log_lifecycle CHECK (VALUE IN (\n  %s\n))', known);
END $$;
