-- A view that somebody saved may be shared with everybody of its merchant; those of before are their makers' own.
ALTER TABLE saved_views ADD COLUMN shared_in text;
CREATE INDEX saved_views_shared ON saved_views (merchant_id, shared_in) WHERE shared_in IS NOT NULL;
