-- What orders are decided by beside themselves: the latest attempts of a payer, answers by issuer, and how far both are
-- kept. Of a card the issuer's eight digits; those of cards that were here before are filled in when they are next sent.
ALTER TABLE vault ADD COLUMN issuer_digits text NOT NULL DEFAULT '';
CREATE TABLE payer_looks (
  merchant_id uuid NOT NULL,
  payer_id uuid NOT NULL,
  at timestamptz[] NOT NULL DEFAULT '{}',
  answers smallint[] NOT NULL DEFAULT '{}',
  tries smallint[] NOT NULL DEFAULT '{}',
  orders uuid[] NOT NULL DEFAULT '{}',
  since uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  PRIMARY KEY (merchant_id, payer_id),
  CHECK (cardinality(at) <= 24),
  CHECK (cardinality(at) = ALL (ARRAY[cardinality(answers), cardinality(tries), cardinality(orders)]))
) WITH (fillfactor = 80);
CREATE TABLE issuer_answers (
  merchant_id uuid NOT NULL,
  issuer_digits text NOT NULL,
  approved bigint NOT NULL DEFAULT 0,
  funds bigint NOT NULL DEFAULT 0,
  soft bigint NOT NULL DEFAULT 0,
  technical bigint NOT NULL DEFAULT 0,
  over_limit bigint NOT NULL DEFAULT 0,
  hard bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (merchant_id, issuer_digits)
) WITH (fillfactor = 80);
CREATE TABLE fact_clocks (
  merchant_id uuid PRIMARY KEY,
  kept boolean NOT NULL,
  feed_no bigint NOT NULL DEFAULT 0,
  transmit_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  checked_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON payer_looks, issuer_answers, fact_clocks TO recoup_app;
