-- The country of an account at the acquirer: of a merchant, of its connections; and the region of each send.
ALTER TABLE merchants ADD COLUMN country text;
ALTER TABLE directory.processor_connections ADD COLUMN country text NOT NULL DEFAULT '';
ALTER TABLE hub.network_sends ADD COLUMN region text;
