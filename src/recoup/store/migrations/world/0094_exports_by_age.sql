-- concurrently
-- A person's files are listed from the newest on, however many there were; an erasure looks at those that hold words.
DROP INDEX CONCURRENTLY IF EXISTS exports_worded;
CREATE INDEX CONCURRENTLY exports_worded ON exports (merchant_id)
  WHERE state IN ('working', 'ready', 'refused') AND wanted <> '{}';
DROP INDEX CONCURRENTLY IF EXISTS exports_newest;
CREATE INDEX CONCURRENTLY exports_newest ON exports (merchant_id, user_id, asked_at DESC, export_id);
DROP INDEX CONCURRENTLY IF EXISTS exports_of;
