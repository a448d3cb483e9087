-- Small, replicated; the only uniques across merchants.
CREATE TABLE directory.api_keys (
  app_key text PRIMARY KEY,
  key_id uuid NOT NULL,
  merchant_id uuid NOT NULL,
  secret_hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL,
  first_token_at timestamptz,              -- when somebody first signed in with it
  retires_at timestamptz,                  -- it opens nothing from here on; so below
  revoked_at timestamptz,
  made_by text NOT NULL DEFAULT 'operator:setup',  -- who, as the orders' log tells it; so below
  ended_by text,
  name text NOT NULL DEFAULT '',           -- what its people call it; so below
  last_used_at timestamptz,                -- of a call that it opened, to the minute; so below
  requested text[] DEFAULT '{}'            -- what it allows beside `scopes` once an owner agrees; so below
);
CREATE INDEX api_keys_merchant ON api_keys (merchant_id);

CREATE TABLE directory.tokenization_keys (
  environment_key text PRIMARY KEY,
  merchant_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  retires_at timestamptz,
  revoked_at timestamptz,
  made_by text NOT NULL DEFAULT 'operator:setup',
  ended_by text,
  name text NOT NULL DEFAULT '',
  last_used_at timestamptz
);
CREATE INDEX tokenization_keys_merchant ON tokenization_keys (merchant_id);

-- Keys that sign: the secret itself is needed to verify, so it is sealed, not hashed.
CREATE TABLE directory.signing_keys (
  key_id text PRIMARY KEY,
  merchant_id uuid NOT NULL,
  secret bytea NOT NULL,                   -- sealed
  created_at timestamptz NOT NULL,
  retires_at timestamptz,
  revoked_at timestamptz,
  made_by text NOT NULL DEFAULT 'operator:setup',
  ended_by text,
  name text NOT NULL DEFAULT '',
  last_used_at timestamptz,
  scopes text[] DEFAULT '{payments,orders,merchants}',
  requested text[] DEFAULT '{}'
);
CREATE INDEX signing_keys_merchant ON signing_keys (merchant_id);

-- What was signed before may have been used: of a database that was restored without its signatures.
CREATE TABLE directory.signatures_since (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  since timestamptz NOT NULL
);
INSERT INTO signatures_since (since) VALUES ('epoch');
