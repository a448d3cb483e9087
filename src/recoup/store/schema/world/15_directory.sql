-- home: directory. Small, replicated; the only uniques across merchants.
CREATE TABLE api_keys (
  app_key text PRIMARY KEY,
  key_id uuid NOT NULL,
  merchant_id uuid NOT NULL,
  secret_hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL,
  revoked_at timestamptz
);

CREATE TABLE tokenization_keys (
  environment_key text PRIMARY KEY,
  merchant_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  revoked_at timestamptz
);

CREATE TABLE refresh_tokens (
  token_hash bytea PRIMARY KEY,
  app_key text NOT NULL,
  expires_at timestamptz NOT NULL
);

-- Which card a keyed hash of its number means. Keys rotate by adding rows; nothing else is keyed by a print.
CREATE TABLE card_prints (
  key_id text NOT NULL,
  print bytea NOT NULL,
  card_id uuid NOT NULL,
  PRIMARY KEY (key_id, print)
);
