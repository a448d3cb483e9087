-- Upkeep is leased: any worker does it.
CREATE TABLE upkeep (
  task text PRIMARY KEY,
  lease_until timestamptz,
  done_at timestamptz
);
GRANT SELECT, INSERT, UPDATE ON upkeep TO recoup_app;
