-- beside
-- Pages that could not be read; gone once they are read again. A worker looks each minute.
CREATE TABLE directory.damaged_pages (
  file text NOT NULL,                      -- as the server says it: base/5/16384
  block bigint NOT NULL,
  relation text NOT NULL,
  of_table text NOT NULL,
  kind text NOT NULL,                      -- of the relation, as pg_class has it: r, i, t
  seen_at timestamptz NOT NULL,            -- wall time
  PRIMARY KEY (file, block)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON directory.damaged_pages TO recoup_app;
