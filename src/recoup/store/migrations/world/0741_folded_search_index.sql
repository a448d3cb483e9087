-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS order_search_unfolded;
CREATE INDEX CONCURRENTLY order_search_unfolded ON order_search (merchant_id, order_id) WHERE fold = 0;
