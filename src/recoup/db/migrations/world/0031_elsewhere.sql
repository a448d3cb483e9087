-- A kind of alerts more: what was made at a processor.
DO $$
DECLARE
  kinds text;
BEGIN
  SELECT pg_get_constraintdef(oid) INTO kinds FROM pg_constraint
  WHERE conrelid = 'alerts'::regclass AND conname = 'alerts_kind_check';
  ALTER TABLE alerts DROP CONSTRAINT alerts_kind_check;
  EXECUTE 'ALTER TABLE alerts ADD CONSTRAINT alerts_kind_check '
    || replace(kinds, '''processor''::text', '''processor''::text, ''elsewhere''::text');
END $$;
