-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS cards_joined;
CREATE INDEX CONCURRENTLY cards_joined ON hub.cards (joined_to) WHERE joined_to IS NOT NULL;
