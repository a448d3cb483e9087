-- Who connects many merchants, with keys of its own, and which merchants are theirs.
CREATE TABLE directory.partners (
  partner_id uuid PRIMARY KEY,
  name text NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused')),
  merchants_max int NOT NULL DEFAULT 1000 CHECK (merchants_max >= 0),
  calls_per_minute int NOT NULL DEFAULT 60000 CHECK (calls_per_minute > 0),  -- over all its merchants' keys and its own
  created_at timestamptz NOT NULL
);

CREATE TABLE directory.partner_keys (
  app_key text PRIMARY KEY,
  key_id uuid NOT NULL,
  partner_id uuid NOT NULL REFERENCES partners,
  secret_hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL,
  retires_at timestamptz,                  -- it opens nothing from here on
  revoked_at timestamptz,
  name text NOT NULL DEFAULT '',           -- what its people call it
  last_used_at timestamptz,                -- of a call that it opened, to the minute
  requested text[] DEFAULT '{}',           -- what it allows beside `scopes` once an owner agrees
  made_by text DEFAULT 'operator:setup',
  ended_by text
);
CREATE INDEX partner_keys_partner ON partner_keys (partner_id);

-- `external_id`: how the partner calls its merchant. A merchant has one partner. The key of the request that made it,
-- and a keyed hash of what it asked for, tell a repeat from another wish.
CREATE TABLE directory.partner_merchants (
  merchant_id uuid PRIMARY KEY,
  partner_id uuid NOT NULL REFERENCES partners,
  external_id text,
  request_key text,
  input_mac bytea,
  created_at timestamptz NOT NULL,
  UNIQUE (partner_id, external_id),
  UNIQUE (partner_id, request_key)
);
CREATE INDEX partner_merchants_partner ON partner_merchants (partner_id, merchant_id);

-- Credentials that wait for the person whom a link leads to them; gone once they were seen or are over.
CREATE TABLE handovers (
  merchant_id uuid NOT NULL REFERENCES merchants,
  handover_id uuid NOT NULL,
  sealed bytea,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  opened_at timestamptz,
  opened_request text,                     -- the id of the request that looked; its log line has the rest
  request_key text,                        -- the Idempotency-Key that asked for the keys
  request_mac bytea,                       -- and of what was asked
  old_keys_end timestamptz,                -- of those before, as it was answered
  PRIMARY KEY (merchant_id, handover_id),
  UNIQUE (merchant_id, request_key)
);

-- Who did what at a partner: merchants made and changed, keys, quotas. Only added to.
CREATE TABLE directory.partner_log (
  log_id uuid PRIMARY KEY,
  partner_id uuid NOT NULL REFERENCES partners,
  merchant_id uuid,
  happening text NOT NULL,
  about jsonb NOT NULL,                    -- no secret
  actor text NOT NULL,
  request_id text NOT NULL,
  at timestamptz NOT NULL
);
CREATE INDEX partner_log_partner ON partner_log (partner_id, at DESC, log_id DESC);
CREATE INDEX partner_log_merchant ON partner_log (merchant_id, at DESC) WHERE merchant_id IS NOT NULL;
