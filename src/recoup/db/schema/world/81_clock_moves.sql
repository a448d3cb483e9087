-- Who moved a sandbox merchant's clock, and how far: business times, but for `requested_at`.
CREATE TABLE clock_moves (
  merchant_id uuid NOT NULL,
  move_id uuid NOT NULL,                   -- of whoever asks: what comes twice moves once
  requested_at timestamptz NOT NULL,           -- wall time
  actor text NOT NULL,
  request_id text NOT NULL,
  from_at timestamptz NOT NULL,
  target_at timestamptz NOT NULL,
  reached_at timestamptz,                  -- null: it is under way, or did not get there
  PRIMARY KEY (merchant_id, move_id)
);
CREATE INDEX clock_moves_at ON clock_moves (merchant_id, requested_at DESC);
