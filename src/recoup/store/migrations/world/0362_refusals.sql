-- concurrently
-- What the gate refused to a merchant in a month: few of its decisions. One partition after the other.
DROP INDEX IF EXISTS cell.decisions_refused;
CREATE INDEX decisions_refused ON ONLY cell.decisions (merchant_id, at) WHERE verdict IN ('postpone', 'refuse');
DO $$
DECLARE
  part text;
BEGIN
  FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'cell.decisions'::regclass ORDER BY 1 LOOP
    EXECUTE format('DROP INDEX IF EXISTS cell.%I', part || '_merchant_id_at_idx');
    EXECUTE format('CREATE INDEX %I ON cell.%I (merchant_id, at) WHERE verdict IN (''postpone'', ''refuse'')',
      part || '_merchant_id_at_idx', part);
    EXECUTE format('ALTER INDEX cell.decisions_refused ATTACH PARTITION cell.%I', part || '_merchant_id_at_idx');
    COMMIT;
  END LOOP;
END $$;
