-- beside
-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS vault_of_card;
CREATE INDEX CONCURRENTLY vault_of_card ON vault (merchant_id, pan_id) WHERE kek_id IS NOT NULL;
