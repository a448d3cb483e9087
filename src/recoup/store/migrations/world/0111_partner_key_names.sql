-- A partner's keys, too, get names and say when they were last used.
ALTER TABLE partner_keys ADD COLUMN name text NOT NULL DEFAULT '', ADD COLUMN last_used_at timestamptz;
