-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS contacts_newest;
CREATE INDEX CONCURRENTLY contacts_newest ON cell.contacts (merchant_id, contacted_at DESC);
DROP INDEX CONCURRENTLY IF EXISTS contacts_old;
CREATE INDEX CONCURRENTLY contacts_old ON cell.contacts (contacted_at);
