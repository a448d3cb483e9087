-- home: directory. Small, replicated; the only uniques across merchants.
CREATE TABLE api_keys (
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
  last_used_at timestamptz                 -- of a call that it opened, to the minute; so below
);
CREATE INDEX api_keys_merchant ON api_keys (merchant_id);

CREATE TABLE tokenization_keys (
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

CREATE TABLE refresh_tokens (
  token_hash bytea PRIMARY KEY,
  app_key text NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX refresh_tokens_over ON refresh_tokens (expires_at);

-- Which card a keyed hash of its number means. Keys rotate by adding rows; nothing else is keyed by a print.
CREATE TABLE card_prints (
  key_id text NOT NULL,
  print bytea NOT NULL,
  card_id uuid NOT NULL,
  PRIMARY KEY (key_id, print)
);

-- Keys that sign: the secret itself is needed to verify, so it is sealed, not hashed.
CREATE TABLE signing_keys (
  key_id text PRIMARY KEY,
  merchant_id uuid NOT NULL,
  secret bytea NOT NULL,                   -- sealed
  created_at timestamptz NOT NULL,
  retires_at timestamptz,
  revoked_at timestamptz,
  made_by text NOT NULL DEFAULT 'operator:setup',
  ended_by text,
  name text NOT NULL DEFAULT '',
  last_used_at timestamptz
);
CREATE INDEX signing_keys_merchant ON signing_keys (merchant_id);

-- A signature works once. Buckets of five minutes. A commit does not wait for the disk: what a call did is written after
-- its signature, so that a crash never keeps the former without the latter.
CREATE TABLE seen_signatures (
  bucket bigint NOT NULL,
  key_id text NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (bucket, key_id, signature)
);

-- What was signed before may have been used: of a database that was restored without its signatures.
CREATE TABLE signatures_since (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  since timestamptz NOT NULL
);
INSERT INTO signatures_since (since) VALUES ('epoch');
