-- The worlds of an installation stand in its database, so that a worker of one knows of the other. Of those before only the live
-- one has to be known: every process opens the sandbox.
CREATE TABLE installation_worlds (
  name text PRIMARY KEY,
  since timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON installation_worlds TO recoup_app;
INSERT INTO installation_worlds (name, since)
SELECT 'live', now() WHERE EXISTS (SELECT FROM merchant_worlds WHERE world = 'live')
  OR EXISTS (SELECT FROM memberships WHERE world = 'live');
