-- When a merchant's rescue rate was looked at, and since when it is known to have fallen; the same of the
-- model's chances.
CREATE TABLE rescue_watches (
  merchant_id uuid PRIMARY KEY,
  checked_at timestamptz NOT NULL,         -- wall time; taken before it is counted
  fell_at timestamptz,                     -- wall time; null = not fallen, or it was back since
  drift_checked_at timestamptz,            -- wall time
  drift_told text                          -- the model of which somebody was told; null = none, or it fits again
);
