-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS stored_methods_customer;
CREATE INDEX CONCURRENTLY stored_methods_customer ON stored_methods (customer) WHERE customer IS NOT NULL;
