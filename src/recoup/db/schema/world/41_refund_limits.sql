-- What people of a role may refund, by currency; no row: as much as an order allows.
CREATE TABLE refund_limits (
  merchant_id uuid NOT NULL REFERENCES merchants,
  role text NOT NULL CHECK (role IN ('owner', 'operations', 'analyst', 'developer')),
  asset text NOT NULL,
  refund_max_units bigint CHECK (refund_max_units >= 0),
  day_max_units bigint CHECK (day_max_units >= 0),       -- of one person, in a business day of UTC
  second_from_units bigint CHECK (second_from_units > 0), -- from this amount on a second person has to agree
  changed_at timestamptz NOT NULL,         -- wall time
  changed_by text NOT NULL,
  PRIMARY KEY (merchant_id, role, asset)
);

-- Who has refunded: locked after the order, so that a person's day is summed once however many of their refunds go at
-- the same time. The sum itself is the refunds'. What the operator's people do as somebody counts as theirs.
CREATE TABLE refund_people (
  merchant_id uuid NOT NULL REFERENCES merchants,
  person text NOT NULL,                    -- as the refund's actor, without who is behind them
  PRIMARY KEY (merchant_id, person)
);
CREATE INDEX modifications_of_person ON modifications (merchant_id, split_part(actor, ' by operator:', 1), business_at)
  WHERE kind IN ('refund', 'reversal');

-- A refund, or another act by which money leaves, that a second person has to agree to. Its id is the refund's when
-- they do: it becomes one, once.
CREATE TABLE refund_requests (
  merchant_id uuid NOT NULL,
  request_id uuid NOT NULL,
  order_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'approved', 'refused', 'withdrawn', 'expired')),
  units bigint NOT NULL CHECK (units > 0),
  asset text NOT NULL,
  message text NOT NULL,
  items jsonb NOT NULL,                    -- pieces of the order; or an `act` that is no refund, and what it concerns
  input_mac bytea NOT NULL,
  requested_by text NOT NULL,
  requested_role text NOT NULL,
  requested_at timestamptz NOT NULL,           -- business time, as all of these
  expires_at timestamptz NOT NULL,
  decided_by text,
  decided_at timestamptz,
  reason text NOT NULL DEFAULT '',         -- of a refusal
  PRIMARY KEY (merchant_id, request_id),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders,
  CHECK ((state = 'waiting') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX refund_requests_waiting ON refund_requests (merchant_id, order_id) WHERE state = 'waiting';
CREATE INDEX refund_requests_order ON refund_requests (merchant_id, order_id);
CREATE INDEX refund_requests_desk ON refund_requests (merchant_id, requested_at) WHERE state = 'waiting';
