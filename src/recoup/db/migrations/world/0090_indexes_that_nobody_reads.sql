-- beside
-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS applications_desk;
DROP INDEX CONCURRENTLY IF EXISTS audit_lines_subject;
DROP INDEX CONCURRENTLY IF EXISTS modifications_resent;
DROP INDEX CONCURRENTLY IF EXISTS order_heads_stable;
