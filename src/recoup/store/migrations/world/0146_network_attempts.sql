-- A processor may send one charge to the network several times by itself: each counts in its limits.
ALTER TABLE hub.network_sends ADD COLUMN network_attempts smallint NOT NULL DEFAULT 1;
