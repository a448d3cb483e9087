-- concurrently
DROP INDEX CONCURRENTLY IF EXISTS card_route_hours_hour;
CREATE INDEX CONCURRENTLY card_route_hours_hour ON directory.card_route_hours (hour);
