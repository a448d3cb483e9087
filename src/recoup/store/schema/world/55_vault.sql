-- AAD of each ciphertext = world, merchant, token: a row cannot be swapped.
CREATE TABLE vault (
  merchant_id uuid NOT NULL,
  token_id uuid NOT NULL,
  pan_id uuid NOT NULL,
  magic text,                              -- kind of a sandbox card that gets an identity of its own in each order
  scheme text NOT NULL,
  bin text NOT NULL,
  last4 text NOT NULL,
  exp_month smallint NOT NULL,
  exp_year smallint NOT NULL,
  kek_id text NOT NULL,
  wrapped_dek bytea NOT NULL,
  nonce bytea NOT NULL,
  ciphertext bytea NOT NULL,
  created_at timestamptz NOT NULL,
  issuer_digits text NOT NULL DEFAULT '',  -- eight where a number is long enough; empty: not filled in yet
  PRIMARY KEY (merchant_id, token_id)
);

-- Never in WAL or backups; gone at the first send or after an hour.
CREATE UNLOGGED TABLE cvv_once (
  merchant_id uuid NOT NULL,
  token_id uuid NOT NULL,
  nonce bytea NOT NULL,
  kek_id text NOT NULL,
  wrapped_dek bytea NOT NULL,
  ciphertext bytea NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, token_id)
);
CREATE INDEX cvv_once_age ON cvv_once (merchant_id, created_at);
