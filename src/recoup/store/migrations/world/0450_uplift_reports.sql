-- What the engine brings is computed beside the pages that show it; people hear of harm, and the engine may stop by itself.
CREATE TABLE uplift_reports (
  merchant_id uuid PRIMARY KEY,
  due_at timestamptz NOT NULL,
  made_at timestamptz,
  until timestamptz,
  report jsonb,
  announced text
);
CREATE TABLE engine_returns (
  merchant_id uuid PRIMARY KEY,
  on_harm boolean NOT NULL,
  changed_at timestamptz NOT NULL,
  changed_by text NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON uplift_reports, engine_returns TO recoup_app;
ALTER TABLE alerts DROP CONSTRAINT alerts_kind_check;
ALTER TABLE alerts ADD CONSTRAINT alerts_kind_check CHECK (kind IN
  ('orders', 'dispute', 'deadline', 'payout', 'settlement', 'webhook', 'go_live',
   'export', 'rate', 'drift', 'uplift')) NOT VALID;
