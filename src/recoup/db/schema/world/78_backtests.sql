-- What a policy would have rescued of past payments: what was asked, and the figures once they are made. The newest of a
-- merchant are kept.
CREATE TABLE backtests (
  merchant_id uuid NOT NULL,
  backtest_id uuid NOT NULL,
  question jsonb NOT NULL,                 -- which orders or import, who decides, within which policy
  question_hash bytea NOT NULL,            -- SHA-256 of it: the same question is answered once
  requested_at timestamptz NOT NULL,           -- wall time
  requested_by text NOT NULL,
  saved_as int,                            -- the version of the policy that was saved of these lines
  made_at timestamptz,                     -- wall time; null = not yet
  until timestamptz,                       -- business time up to which windows had closed
  failed text,                             -- a sentence; null = it has figures, or is not made yet
  report jsonb,
  payment_count int NOT NULL DEFAULT 0,
  askers uuid[] NOT NULL DEFAULT '{}',     -- the people who are notified of its figures
  PRIMARY KEY (merchant_id, backtest_id)
);
CREATE INDEX backtests_question ON backtests (merchant_id, question_hash, backtest_id);
-- Each payment with what was done and what the policy would have planned, and why. They are much alike: of a hundred in a
-- row a tenth of the size is left.
CREATE TABLE backtest_payments (
  merchant_id uuid NOT NULL,
  backtest_id uuid NOT NULL,
  first int NOT NULL,                      -- 0, 100, …: the place of the first of them, the latest decline first
  payments jsonb NOT NULL,                 -- an array of up to a hundred
  PRIMARY KEY (merchant_id, backtest_id, first),
  FOREIGN KEY (merchant_id, backtest_id) REFERENCES backtests ON DELETE CASCADE
);
