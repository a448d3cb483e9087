-- The one gate for repeats.
CREATE TABLE requests (
  merchant_id uuid NOT NULL,
  operation text NOT NULL,
  key text NOT NULL,
  input_mac bytea NOT NULL,
  subject_id uuid,
  state text NOT NULL CHECK (state IN ('open', 'answered')),
  answer jsonb,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, operation, key),
  CHECK ((state = 'answered') = (answer IS NOT NULL))
);
-- What is forgotten one day, the oldest first.
CREATE INDEX requests_age ON requests (created_at)
  WHERE state = 'answered' AND operation NOT IN ('refund', 'charge', 'payout', 'subscription');

CREATE TABLE order_refs (
  merchant_id uuid NOT NULL,
  door text NOT NULL,
  external_id text NOT NULL,
  generation int NOT NULL,
  order_id uuid NOT NULL,
  PRIMARY KEY (merchant_id, door, external_id, generation)
);
-- By `referenceNumber`, the end of our id, which is what people read out to each other.
CREATE INDEX order_refs_tail ON order_refs (merchant_id, right(order_id::text, 8));

-- What a refresh token, each good once, was given for: a key of a merchant or a partner.
CREATE TABLE refresh_tokens (
  token_hash bytea PRIMARY KEY,
  app_key text NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX refresh_tokens_over ON refresh_tokens (expires_at);

-- A signature works once. Buckets of five minutes. A commit does not wait for the disk: what a call did is written after
-- its signature, so that a crash never keeps the former without the latter.
CREATE TABLE seen_signatures (
  bucket bigint NOT NULL,
  key_id text NOT NULL,
  signature bytea NOT NULL,
  merchant_id uuid NOT NULL,
  PRIMARY KEY (merchant_id, bucket, key_id, signature)
);
CREATE INDEX seen_signatures_bucket ON seen_signatures (bucket);
