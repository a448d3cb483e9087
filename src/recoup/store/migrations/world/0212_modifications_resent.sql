-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS modifications_resent;
CREATE INDEX CONCURRENTLY modifications_resent ON modifications (merchant_id, send_id) WHERE send_id IS NOT NULL;
