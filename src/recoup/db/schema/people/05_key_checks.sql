-- The keys that this database was written with: of each a check value that only the key itself gives, never the key.
CREATE TABLE key_checks (
  purpose text NOT NULL,
  key_id text NOT NULL,
  value bytea NOT NULL,
  retiring boolean NOT NULL DEFAULT false, -- it is about to be forgotten: nothing needs it
  PRIMARY KEY (purpose, key_id)
);
