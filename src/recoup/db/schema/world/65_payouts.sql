-- What leaves a custodial balance. A wallet's row is the lock under which its payouts and
-- refunds are decided; the balance itself is the ledger's.
CREATE TABLE wallets (
  merchant_id uuid NOT NULL,
  asset text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, asset)
);

CREATE TABLE payouts (
  merchant_id uuid NOT NULL,
  payout_id uuid NOT NULL,
  asset text NOT NULL,
  units bigint NOT NULL CHECK (units > 0),
  state text NOT NULL
    CHECK (state IN ('requested', 'approved', 'executing', 'processing', 'paid', 'rejected', 'failed')),
  destination_type text NOT NULL CHECK (destination_type IN ('crypto', 'bank')),
  destination text NOT NULL,
  amount_text text NOT NULL,
  reference text,
  reason text,
  tries int NOT NULL DEFAULT 0,
  actor text NOT NULL,
  created_at timestamptz NOT NULL,         -- business time
  PRIMARY KEY (merchant_id, payout_id),
  FOREIGN KEY (merchant_id, asset) REFERENCES wallets
);
-- What may wait for a second person.
CREATE INDEX payouts_requested ON payouts (merchant_id, payout_id) WHERE state = 'requested';
