-- A copy of each transaction the merchant processed; learning data, and evidence for the gate.
CREATE TABLE transmissions (
  merchant_id uuid NOT NULL,
  transmit_id uuid NOT NULL,
  external_id text NOT NULL,
  transaction_id text,
  is_declined boolean NOT NULL,
  is_mit boolean NOT NULL,
  units bigint NOT NULL,
  asset text NOT NULL,
  code_source text,
  code text,
  bin text,
  last4 text,
  payer_id uuid,
  card_id uuid,
  transacted_at timestamptz,
  received_at timestamptz NOT NULL,
  facts jsonb NOT NULL,                    -- no personal data; its texts go with an erasure
  outcome jsonb NOT NULL DEFAULT '{}',     -- what a later update told: outcome, refund, chargeback
  updated_at timestamptz,
  PRIMARY KEY (merchant_id, transmit_id)
) PARTITION BY RANGE (transmit_id);
CREATE INDEX transmissions_order ON transmissions (merchant_id, external_id);
CREATE INDEX transmissions_payer ON transmissions (merchant_id, payer_id, transmit_id) WHERE payer_id IS NOT NULL;
