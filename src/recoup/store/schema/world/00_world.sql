-- One row: which world this database is, and its epoch (kept outside the database too).
CREATE TABLE world (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  name text NOT NULL,
  epoch bigint NOT NULL,
  created_at timestamptz NOT NULL
);
