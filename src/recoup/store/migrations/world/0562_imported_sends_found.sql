-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS cell.imported_attempts_sends;
CREATE INDEX CONCURRENTLY imported_attempts_sends ON cell.imported_attempts (merchant_id, send_id) WHERE send_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS cell.imported_attempts_waiting;
CREATE INDEX CONCURRENTLY imported_attempts_waiting ON cell.imported_attempts (merchant_id, import_id, provider, ref) WHERE counted = 'waits';
