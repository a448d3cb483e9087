-- concurrently
-- The newest setting of a site is found at once, however often it was changed.
DROP INDEX CONCURRENTLY IF EXISTS arm_settings_newest;
CREATE INDEX CONCURRENTLY arm_settings_newest ON arm_settings (merchant_id, site_id, version DESC);
