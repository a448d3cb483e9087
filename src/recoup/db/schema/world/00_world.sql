CREATE EXTENSION IF NOT EXISTS pg_trgm;  -- before the cell's schema: extensions go to public
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- The homes (`db/statement.py`). What names no schema is a cell's: its connection says cell, hub, directory, public. An
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

-- One row: which world this database is, and how far it got. Each running process counts `beat` on, and keeps the
-- highest (epoch, beat) that it saw outside this database: one that knows less was restored (merchants/flows/standing.py). `epoch`
-- is the first; `epochs` has those that followed.
CREATE TABLE directory.world (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  name text NOT NULL,
  epoch bigint NOT NULL,
  created_at timestamptz NOT NULL,
  beat bigint NOT NULL DEFAULT 0,
  beat_at timestamptz
);

-- How far each home got: the world's mark, written with it. A home that knows less was restored alone. One that was never
-- marked has no row.
CREATE TABLE cell_mark (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch bigint NOT NULL,
  beat bigint NOT NULL,
  at timestamptz NOT NULL
);
CREATE TABLE hub.hub_mark (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch bigint NOT NULL,
  beat bigint NOT NULL,
  at timestamptz NOT NULL
);

-- The epochs that `recoup recover` began: what happened from `lost_from` to `lost_to` no row may know. Wall time.
CREATE TABLE directory.epochs (
  epoch bigint PRIMARY KEY,
  lost_from timestamptz NOT NULL,
  lost_to timestamptz NOT NULL,
  asks_first_until timestamptz NOT NULL,   -- until then new messages are first asked for by their keys
  feed bigint NOT NULL,                    -- feeds went on after this number, where they were not so far
  begun_at timestamptz NOT NULL,
  begun_by text NOT NULL,
  CHECK (lost_from <= lost_to AND lost_to <= asks_first_until)
);
