-- One charge a cycle: the n-th falls due at anchor + n x interval.
CREATE TABLE subscriptions (
  merchant_id uuid NOT NULL,
  subscription_id uuid NOT NULL,
  version int NOT NULL,                    -- numbers its events
  state text NOT NULL CHECK (state IN ('active', 'paused', 'past_due', 'canceled', 'completed')),
  title text NOT NULL,
  customer_id uuid,                        -- who: payers
  asset text NOT NULL,
  units bigint NOT NULL CHECK (units > 0),
  amount_text text NOT NULL,
  channel text,
  interval_unit text NOT NULL CHECK (interval_unit IN ('day', 'week', 'month')),
  interval_count int NOT NULL CHECK (interval_count > 0),
  cycles_done int NOT NULL DEFAULT 0,
  total_cycles int NOT NULL DEFAULT 0,     -- 0: without end
  anchor timestamptz NOT NULL,
  next_charge_at timestamptz,
  ends_at timestamptz,
  last_order_id uuid,
  facts jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  skipped int NOT NULL DEFAULT 0,          -- cycles that passed while it was paused
  PRIMARY KEY (merchant_id, subscription_id)
);
CREATE INDEX subscriptions_newest ON subscriptions (merchant_id, created_at DESC, subscription_id DESC);
