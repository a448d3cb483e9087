-- home: people. The worlds that were ever opened beside these people: a process that was started before another world was made
-- learns of it here. A key is forgotten by who has all of them open.
CREATE TABLE installation_worlds (
  name text PRIMARY KEY,
  since timestamptz NOT NULL,
  epoch bigint NOT NULL DEFAULT 0,         -- with `beat` and `beat_at` how far the world's database was seen to be
  beat bigint NOT NULL DEFAULT 0,
  beat_at timestamptz,
  feed bigint NOT NULL DEFAULT 0,          -- the highest number of any merchant's feed then
  noted bigint NOT NULL DEFAULT 0          -- counts these notes: by it this database is told from an older copy of it
);
