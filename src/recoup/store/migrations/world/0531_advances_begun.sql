-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS advances_begun;
CREATE INDEX CONCURRENTLY advances_begun ON advances (merchant_id, asset, started_at);
