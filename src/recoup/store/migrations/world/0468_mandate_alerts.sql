-- People hear of a revoked mandate.
ALTER TABLE alerts DROP CONSTRAINT alerts_kind_check;
ALTER TABLE alerts ADD CONSTRAINT alerts_kind_check CHECK (kind IN
  ('orders', 'dispute', 'deadline', 'payout', 'settlement', 'webhook', 'go_live',
   'export', 'rate', 'drift', 'uplift', 'mandate')) NOT VALID;
