-- beside
-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS exports_over;
CREATE INDEX CONCURRENTLY exports_over ON exports (merchant_id)
  WHERE run_id IS NOT NULL AND state NOT IN ('working', 'ready');
