-- Back-tests of policies: asked by people or before a policy is saved, made by due work, each payment with its plan.
CREATE TABLE backtests (
  merchant_id uuid NOT NULL,
  backtest_id uuid NOT NULL,
  question jsonb NOT NULL,
  question_hash bytea NOT NULL,
  requested_at timestamptz NOT NULL,
  requested_by text NOT NULL,
  saved_as int,
  made_at timestamptz,
  until timestamptz,
  failed text,
  report jsonb,
  payment_count int NOT NULL DEFAULT 0,
  PRIMARY KEY (merchant_id, backtest_id)
);
CREATE INDEX backtests_question ON backtests (merchant_id, question_hash, backtest_id);
CREATE TABLE backtest_payments (
  merchant_id uuid NOT NULL,
  backtest_id uuid NOT NULL,
  place int NOT NULL,
  payment jsonb NOT NULL,
  PRIMARY KEY (merchant_id, backtest_id, place),
  FOREIGN KEY (merchant_id, backtest_id) REFERENCES backtests ON DELETE CASCADE
);
GRANT SELECT, INSERT ON backtests, backtest_payments TO recoup_app;
GRANT DELETE ON backtests TO recoup_app;
GRANT UPDATE (saved_as, made_at, until, failed, report, payment_count) ON backtests TO recoup_app;
