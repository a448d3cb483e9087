-- concurrently
-- The newest sends of a card are found at once, however many one merchant claims.
DROP INDEX CONCURRENTLY IF EXISTS network_sends_ours;
CREATE INDEX CONCURRENTLY network_sends_ours ON network_sends (card_id, at) WHERE NOT claimed;
DROP INDEX CONCURRENTLY IF EXISTS network_sends_claims;
CREATE INDEX CONCURRENTLY network_sends_claims ON network_sends (card_id, merchant_id, at) WHERE claimed;
DROP INDEX CONCURRENTLY IF EXISTS network_sends_window;
