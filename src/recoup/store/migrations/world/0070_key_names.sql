-- Keys get names and say when they were last used; the stablecoin API's webhook secret overlaps with the one before it.
ALTER TABLE api_keys ADD COLUMN name text NOT NULL DEFAULT '', ADD COLUMN last_used_at timestamptz;
ALTER TABLE tokenization_keys ADD COLUMN name text NOT NULL DEFAULT '', ADD COLUMN last_used_at timestamptz;
ALTER TABLE signing_keys ADD COLUMN name text NOT NULL DEFAULT '', ADD COLUMN last_used_at timestamptz;
ALTER TABLE webhook_key_overlaps ADD COLUMN door text NOT NULL DEFAULT 'rescue' CHECK (door IN ('rescue', 'stablecoin'));
ALTER TABLE webhook_key_overlaps DROP CONSTRAINT webhook_key_overlaps_pkey, ADD PRIMARY KEY (merchant_id, door);
