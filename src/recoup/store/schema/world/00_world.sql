CREATE EXTENSION IF NOT EXISTS pg_trgm;  -- before the cell's schema: extensions go to public
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- The homes (`store/homes.py`). What names no schema is a cell's: its connection says cell, hub, directory, public. An
-- administrator makes them for an owner who may not.
DO $$
DECLARE
  home text;
BEGIN
  FOREACH home IN ARRAY ARRAY['cell', 'hub', 'directory'] LOOP
    IF to_regnamespace(home) IS NULL THEN
      EXECUTE format('CREATE SCHEMA %I', home);
    END IF;
  END LOOP;
END $$;

-- One row: which world this database is, and its epoch (kept outside the database too).
CREATE TABLE directory.world (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  name text NOT NULL,
  epoch bigint NOT NULL,
  created_at timestamptz NOT NULL
);
