-- A stored method that its bank has closed is a subject of notices of its own; people hear of codes that are on no list.
ALTER TABLE processor_notices DROP CONSTRAINT processor_notices_subject_check;
ALTER TABLE processor_notices ADD CONSTRAINT processor_notices_subject_check CHECK (subject IN
  ('charge', 'modification', 'dispute', 'method', 'ended', 'invoice', 'fraud', 'hold')) NOT VALID;
ALTER TABLE alerts DROP CONSTRAINT alerts_kind_check;
ALTER TABLE alerts ADD CONSTRAINT alerts_kind_check CHECK (kind IN
  ('orders', 'dispute', 'deadline', 'payout', 'settlement', 'webhook', 'go_live', 'export', 'rate', 'drift', 'uplift',
   'backtest', 'processor', 'unlisted_code', 'mandate', 'chain_halted', 'settlement_address', 'address_approval',
   'chain_sender') OR kind LIKE '_%._%') NOT VALID;
