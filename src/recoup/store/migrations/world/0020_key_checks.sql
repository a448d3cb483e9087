-- A database knows its keys, so that nobody writes to it with others. Those of a database from before are taken at its
-- next start.
CREATE TABLE key_checks (
  purpose text NOT NULL,
  key_id text NOT NULL,
  value bytea NOT NULL,
  PRIMARY KEY (purpose, key_id)
);
GRANT SELECT, INSERT, DELETE ON key_checks TO recoup_app;
