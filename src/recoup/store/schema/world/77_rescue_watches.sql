-- When a merchant's rescue rate was looked at, and since when it is known to have fallen; the same of the
-- model's chances.
CREATE TABLE rescue_watches (
  merchant_id uuid PRIMARY KEY,
  checked_at timestamptz NOT NULL,         -- wall time; taken before it is counted
  fell_at timestamptz,                     -- wall time; null = not fallen, or it was back since
  drift_checked_at timestamptz,            -- wall time
  drift_told text                          -- the model of which somebody was told; null = none, or it fits again
);
-- What the engine brings more than the comparison group, as last computed, with the cohorts beside it.
CREATE TABLE uplift_reports (
  merchant_id uuid PRIMARY KEY,
  due_at timestamptz NOT NULL,             -- wall time; computed again then
  made_at timestamptz,                     -- wall time; null = never yet
  until timestamptz,                       -- business time of the look
  report jsonb,
  announced text                           -- the finding that the merchant's people heard of last
);
-- Whether the engine stops by itself once it is shown to do harm.
CREATE TABLE engine_returns (
  merchant_id uuid PRIMARY KEY,
  on_harm boolean NOT NULL,
  changed_at timestamptz NOT NULL,         -- wall time
  changed_by text NOT NULL
);
