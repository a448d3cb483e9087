-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS cell.imported_attempts_known_as;
CREATE UNIQUE INDEX CONCURRENTLY imported_attempts_known_as ON cell.imported_attempts (merchant_id, known_as) WHERE known_as IS NOT NULL;
