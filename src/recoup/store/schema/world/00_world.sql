-- The homes (`store/homes.py`). What names no schema is a cell's: its connection says cell, hub, directory, public.
CREATE SCHEMA cell;
CREATE SCHEMA hub;
CREATE SCHEMA directory;

-- One row: which world this database is, and its epoch (kept outside the database too).
CREATE TABLE directory.world (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  name text NOT NULL,
  epoch bigint NOT NULL,
  created_at timestamptz NOT NULL
);
