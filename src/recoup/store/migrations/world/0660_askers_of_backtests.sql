-- Whoever asked for a back-test is notified of its figures.
ALTER TABLE backtests ADD COLUMN askers uuid[] NOT NULL DEFAULT '{}';
GRANT UPDATE (askers) ON backtests TO recoup_app;
ALTER TABLE alerts DROP CONSTRAINT alerts_kind_check;
ALTER TABLE alerts ADD CONSTRAINT alerts_kind_check CHECK (kind IN
  ('orders', 'dispute', 'deadline', 'payout', 'settlement', 'webhook', 'go_live',
   'export', 'rate', 'drift', 'uplift', 'mandate', 'backtest')) NOT VALID;
