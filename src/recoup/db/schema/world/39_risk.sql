-- How the risk of fraud is judged where a customer waits: each change is a line, the newest counts; without one the check
-- watches. `version` is the merchant's that the change made.
CREATE TABLE risk_settings (
  merchant_id uuid NOT NULL REFERENCES merchants,
  version int NOT NULL,
  mode text NOT NULL CHECK (mode IN ('off', 'shadow', 'share')),
  share smallint NOT NULL CHECK (share BETWEEN 0 AND 100),        -- percent of customers for whom it decides
  holdout smallint NOT NULL CHECK (holdout BETWEEN 0 AND 50),     -- percent for whom it never does
  margin smallint NOT NULL CHECK (margin BETWEEN 1 AND 100),      -- percent of the amount that a lost sale costs
  changed_at timestamptz NOT NULL,         -- wall time
  changed_by text NOT NULL,
  PRIMARY KEY (merchant_id, version),
  CHECK (share + holdout <= 100)
);

-- Who came how often: keyed hashes alone, kept for some days. A merchant's order counts once under each name, however
-- often it is sent; another card of it counts as another card.
CREATE TABLE risk_sightings (
  merchant_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('card', 'payer', 'device', 'address', 'ip')),
  name uuid NOT NULL,
  subject uuid NOT NULL,                   -- of the merchant's order id
  pan_id uuid NOT NULL,
  at timestamptz NOT NULL,                 -- wall time
  PRIMARY KEY (merchant_id, kind, name, subject, pan_id)
);
CREATE INDEX risk_sightings_newest ON risk_sightings (merchant_id, kind, name, at DESC);
CREATE INDEX risk_sightings_age ON risk_sightings (at);

-- What networks and processors reported as fraud before anybody disputed it. It moves nothing; weights are learned from it.
CREATE TABLE fraud_warnings (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  warning_id uuid NOT NULL,                -- made of the processor's own
  warned_at timestamptz NOT NULL,          -- business time
  PRIMARY KEY (merchant_id, order_id, warning_id)
);

-- Weights that were learned from what became of payments. The newest line that is used decides; no line is ever changed.
CREATE TABLE directory.risk_weights (
  version_no bigint PRIMARY KEY,           -- of two who learn at once the second finds the number taken
  name text NOT NULL,                      -- of the weights' hash; decisions name it
  base int NOT NULL,                       -- thousandths of a logit
  terms jsonb NOT NULL,                    -- the same by term
  used boolean NOT NULL,
  payments bigint NOT NULL,                -- that it was learned from
  frauds bigint NOT NULL,
  merchants int NOT NULL,
  data_from date,                          -- business time
  data_until date,
  held_from timestamptz,                   -- from here on payments were held out; null: chosen by hand
  held_payments int,
  held_frauds int,
  score double precision,                  -- mean log-loss there, the less the better
  compared_with text,
  compared_score double precision,
  note text NOT NULL,
  made_at timestamptz NOT NULL,            -- wall time
  made_by text NOT NULL,
  CHECK (num_nulls(held_from, held_payments, held_frauds, score, compared_with, compared_score) IN (0, 6))
);
