-- A hundred payments of a back-test in a row are compressed together.
CREATE TEMPORARY TABLE packed ON COMMIT DROP AS
SELECT merchant_id, backtest_id, place - place % 100 AS first, jsonb_agg(payment ORDER BY place) AS payments
FROM backtest_payments GROUP BY 1, 2, 3;
DROP TABLE backtest_payments;
CREATE TABLE backtest_payments (
  merchant_id uuid NOT NULL,
  backtest_id uuid NOT NULL,
  first int NOT NULL,
  payments jsonb NOT NULL,
  PRIMARY KEY (merchant_id, backtest_id, first),
  FOREIGN KEY (merchant_id, backtest_id) REFERENCES backtests ON DELETE CASCADE
);
INSERT INTO backtest_payments SELECT * FROM packed;
GRANT SELECT, INSERT ON backtest_payments TO recoup_app;
