-- home: people. The worlds that were ever opened beside these people: a process that was started before another world was made
-- learns of it here. A key is forgotten by who has all of them open.
CREATE TABLE installation_worlds (
  name text PRIMARY KEY,
  since timestamptz NOT NULL
);
