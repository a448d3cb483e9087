-- concurrently
-- A merchant's sends of a month, for its certificate.
DROP INDEX CONCURRENTLY IF EXISTS hub.network_sends_merchant;
CREATE INDEX CONCURRENTLY network_sends_merchant ON hub.network_sends (merchant_id, at);
