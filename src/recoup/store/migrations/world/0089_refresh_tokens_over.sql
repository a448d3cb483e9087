-- concurrently
-- Refresh tokens that are over are found without reading those that are not.
DROP INDEX CONCURRENTLY IF EXISTS refresh_tokens_over;
CREATE INDEX CONCURRENTLY refresh_tokens_over ON refresh_tokens (expires_at);
