-- What is known of each card. AAD of each ciphertext = world, merchant, token: a row cannot be swapped. Of a card that its
-- processor keeps nothing is sealed: there is no number.
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
  kek_id text,
  wrapped_dek bytea,
  nonce bytea,
  ciphertext bytea,
  created_at timestamptz NOT NULL,
  issuer_digits text NOT NULL DEFAULT '',  -- eight where a number is long enough; empty: not filled in yet
  PRIMARY KEY (merchant_id, token_id),
  CONSTRAINT vault_sealed CHECK (num_nulls(kek_id, wrapped_dek, nonce, ciphertext) IN (0, 4))
);
CREATE INDEX vault_of_card ON vault (merchant_id, pan_id) WHERE kek_id IS NOT NULL;  -- numbers go with their customer

-- Cards that a processor keeps: what it calls them. `method_id` is the token_id of its row in the vault.
CREATE TABLE stored_methods (
  merchant_id uuid NOT NULL,
  method_id uuid NOT NULL,
  route text NOT NULL,
  reference text NOT NULL,                 -- the processor's id of the method, empty once it is erased
  customer text,
  fingerprint text,                        -- as the processor knows the card; null where it does not say
  funding text,
  country text,
  created_at timestamptz NOT NULL,
  closed_at timestamptz,                   -- the processor said that it is gone
  described_at timestamptz,                -- wall time: when the processor last said what it is; null: before this was kept
  PRIMARY KEY (merchant_id, method_id)
);
CREATE INDEX stored_methods_referenced ON stored_methods (reference) WHERE closed_at IS NULL;
-- Whose customer of the processor's it is: who named one of its methods first.
CREATE INDEX stored_methods_customer ON stored_methods (customer) WHERE customer IS NOT NULL;

-- What the account updater was queried about, and has answered: the newest query of a card.
CREATE TABLE card_updates (
  merchant_id uuid NOT NULL,
  pan_id uuid NOT NULL,
  update_id uuid NOT NULL,                 -- the updater's idempotency key
  token_id uuid NOT NULL,                  -- the card that it is about
  requested_at timestamptz NOT NULL,       -- business time, as answered_at
  answer text CHECK (answer IN ('new_number', 'new_expiry', 'unchanged', 'closed', 'contact', 'unknown')),
  new_token_id uuid,
  answered_at timestamptz,
  PRIMARY KEY (merchant_id, pan_id)
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
