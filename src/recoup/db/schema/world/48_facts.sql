-- A payer's latest answered attempts, of any of their payments, newest last; see
-- `rescue.rules.payer_looks`. `orders`: null of a payment that was never sent to us. What came before the id `since` was
-- erased, and is never counted again.
CREATE TABLE payer_looks (
  merchant_id uuid NOT NULL,
  payer_id uuid NOT NULL,
  at timestamptz[] NOT NULL DEFAULT '{}',  -- business time
  answers smallint[] NOT NULL DEFAULT '{}',  -- classes of the engine
  tries smallint[] NOT NULL DEFAULT '{}',
  orders uuid[] NOT NULL DEFAULT '{}',
  since uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  PRIMARY KEY (merchant_id, payer_id),
  CHECK (cardinality(at) <= 24),
  CHECK (cardinality(at) = ALL (ARRAY[cardinality(answers), cardinality(tries), cardinality(orders)]))
) WITH (fillfactor = 80);

-- How often an issuer answered what to our attempts.
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

-- The same over merchants, of issuers that enough owners of merchants met.
CREATE TABLE directory.issuers (
  issuer_digits text PRIMARY KEY,
  merchants int NOT NULL CHECK (merchants >= 5),  -- owners: a partner with all its merchants is one
  answers bigint[] NOT NULL,               -- by class, as the columns above, in steps of 1, 2, 5, 10 and so on
  counted_at timestamptz NOT NULL          -- wall time
);

-- How far looks and answers are kept: up to which event of the feed, and which transmission. No row: the merchant needs neither.
CREATE TABLE fact_clocks (
  merchant_id uuid PRIMARY KEY,
  kept boolean NOT NULL,                   -- false: no more, for now
  feed_no bigint NOT NULL DEFAULT 0,
  transmit_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  checked_at timestamptz NOT NULL          -- wall time
);
