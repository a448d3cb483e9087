-- concurrently
-- Endpoints that stand, and replays that are under way, are found however many were deleted or are done; the
-- newest of the things done to many orders, however many there were.
DROP INDEX CONCURRENTLY IF EXISTS endpoints_of_merchant;
CREATE INDEX CONCURRENTLY endpoints_of_merchant ON endpoints (merchant_id) WHERE state <> 'deleted';
DROP INDEX CONCURRENTLY IF EXISTS endpoints_of_partner;
CREATE INDEX CONCURRENTLY endpoints_of_partner ON endpoints (partner_id) WHERE state <> 'deleted';
DROP INDEX CONCURRENTLY IF EXISTS endpoints_merchant;
DROP INDEX CONCURRENTLY IF EXISTS endpoints_partner;
DROP INDEX CONCURRENTLY IF EXISTS replays_open;
CREATE INDEX CONCURRENTLY replays_open ON replays (endpoint_id) WHERE done_to < feed_to;
DROP INDEX CONCURRENTLY IF EXISTS replays_key;
CREATE INDEX CONCURRENTLY replays_key ON replays (endpoint_id, key);
DROP INDEX CONCURRENTLY IF EXISTS bulk_acts_newest;
CREATE INDEX CONCURRENTLY bulk_acts_newest ON bulk_acts (merchant_id, asked_at DESC, act_id);
