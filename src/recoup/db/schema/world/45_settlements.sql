-- Direct money on its way to the merchant's own wallet; one for each payment, and the failed ones that it replaced.
CREATE TABLE settlements (
  merchant_id uuid NOT NULL,
  settlement_id uuid NOT NULL,
  order_id uuid NOT NULL,
  attempt_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'broadcast', 'confirmed', 'stuck', 'failed')),
  units bigint NOT NULL CHECK (units > 0), -- net
  fee_units bigint NOT NULL CHECK (fee_units >= 0),
  asset text NOT NULL,
  to_address text NOT NULL,
  tx_hash text,
  tries int NOT NULL DEFAULT 0,
  send_before timestamptz,                 -- wall time; no first byte leaves later
  business_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, settlement_id),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders
);
CREATE INDEX settlements_order ON settlements (merchant_id, order_id);
CREATE UNIQUE INDEX settlements_payment ON settlements (merchant_id, attempt_id)
  WHERE state NOT IN ('confirmed', 'failed');  -- what is still to come; on a chain each sweep is one of its own
CREATE INDEX settlements_to_send ON settlements (merchant_id, asset) WHERE state NOT IN ('confirmed', 'failed');
