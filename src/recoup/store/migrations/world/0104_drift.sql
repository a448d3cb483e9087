-- Somebody is told that the model in use fits no more; once for each model.
ALTER TABLE rescue_watches ADD COLUMN drift_checked_at timestamptz, ADD COLUMN drift_told text;
ALTER TABLE alerts DROP CONSTRAINT alerts_kind_check;
ALTER TABLE alerts ADD CONSTRAINT alerts_kind_check CHECK (kind IN
  ('orders', 'dispute', 'deadline', 'payout', 'settlement', 'webhook', 'go_live',
   'export', 'rate', 'drift')) NOT VALID;
