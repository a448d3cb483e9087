-- beside
-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS hub.network_sends_months;
CREATE INDEX CONCURRENTLY network_sends_months ON hub.network_sends (merchant_id, at) WHERE at IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS hub.network_sends_merchant;
