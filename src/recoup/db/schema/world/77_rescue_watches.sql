-- When a merchant's rescue rate was looked at, and since when it is known to have fallen; the same of the
-- model's chances.
CREATE TABLE rescue_watches (
  merchant_id uuid PRIMARY KEY,
  checked_at timestamptz NOT NULL,         -- wall time; taken before it is counted
  fell_at timestamptz,                     -- wall time; null = not fallen, or it was back since
  drift_checked_at timestamptz,            -- wall time
  monitored_at timestamptz,                -- wall time; of monitoring_months
  drift_told text                          -- the model of which somebody was told; null = none, or it fits again
);
-- When it is computed what the engine brings more than the comparison group.
CREATE TABLE uplift_reports (
  merchant_id uuid PRIMARY KEY,
  due_at timestamptz NOT NULL,             -- wall time; computed again then
  announced text                           -- the finding that the merchant's people heard of last
);
-- What it was at each look, with the cohorts beside it; the last one stands.
CREATE TABLE uplift_history (
  merchant_id uuid NOT NULL,
  business_at timestamptz NOT NULL,        -- from when on it stood; so below
  recorded_at timestamptz NOT NULL,
  made_at timestamptz NOT NULL,            -- wall time of the look
  until timestamptz NOT NULL,              -- business time of the look
  report jsonb NOT NULL,
  PRIMARY KEY (merchant_id, recorded_at, business_at)
);
-- Whether the engine stops by itself once it is shown to do harm; the last line stands.
CREATE TABLE engine_returns (
  merchant_id uuid NOT NULL,
  on_harm boolean NOT NULL,
  recorded_at timestamptz NOT NULL,
  changed_by text NOT NULL,
  business_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, recorded_at, business_at)
);
