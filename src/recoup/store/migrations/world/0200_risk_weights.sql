-- What networks and processors reported as fraud before anybody disputed it. It moves nothing; weights are learned from it.
CREATE TABLE cell.fraud_warnings (
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
GRANT SELECT, INSERT ON cell.fraud_warnings, directory.risk_weights TO recoup_app;
