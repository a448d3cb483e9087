-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS attempts_referenced;
CREATE INDEX CONCURRENTLY attempts_referenced ON attempts (reference) WHERE state = 'approved' AND ladder <> 'payment';
DROP INDEX CONCURRENTLY IF EXISTS stored_methods_referenced;
CREATE INDEX CONCURRENTLY stored_methods_referenced ON stored_methods (reference) WHERE closed_at IS NULL;
