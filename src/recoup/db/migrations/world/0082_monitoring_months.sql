-- beside
-- What the networks' monitoring programmes count, by merchant number and month.
CREATE TABLE monitoring_months (
  merchant_id uuid NOT NULL,
  acceptor_id text NOT NULL,
  scheme text NOT NULL,
  month date NOT NULL,
  sales bigint NOT NULL,
  disputes bigint NOT NULL,
  frauds bigint NOT NULL,
  fraud_disputes bigint NOT NULL,
  fraud_units bigint NOT NULL,
  share double precision NOT NULL,
  counted_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, month, scheme, acceptor_id)
);
GRANT SELECT, INSERT, UPDATE ON monitoring_months TO recoup_app;
ALTER TABLE rescue_watches ADD COLUMN monitored_at timestamptz;
