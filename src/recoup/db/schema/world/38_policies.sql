-- Retry policies as versions: only added to, for what one decided is decided again by its text. Of one scope the highest
-- number whose time has come counts.
CREATE TABLE policy_versions (
  merchant_id uuid NOT NULL REFERENCES merchants,
  scope text NOT NULL CHECK (scope IN ('merchant', 'site', 'campaign')),
  subject_id uuid NOT NULL,                -- the merchant, its site or its campaign
  number int NOT NULL CHECK (number > 0),
  content jsonb NOT NULL,                  -- every line that is set
  reason text NOT NULL,
  author text NOT NULL,
  from_at timestamptz NOT NULL,            -- business time
  saved_at timestamptz NOT NULL,           -- wall time
  PRIMARY KEY (merchant_id, scope, subject_id, number)
);

-- What operator and partners bound their merchants by. `subject_id`: the partner; of the operator's, zeros.
CREATE TABLE directory.policy_bounds (
  scope text NOT NULL CHECK (scope IN ('operator', 'partner')),
  subject_id uuid NOT NULL,
  number int NOT NULL CHECK (number > 0),
  content jsonb NOT NULL,
  reason text NOT NULL,
  author text NOT NULL,
  from_at timestamptz NOT NULL,            -- business time of each merchant
  saved_at timestamptz NOT NULL,
  PRIMARY KEY (scope, subject_id, number)
);

-- Sends that budgets of policies count, by calendar month (UTC) of business time.
CREATE TABLE policy_sends (
  merchant_id uuid NOT NULL REFERENCES merchants,
  month date NOT NULL,
  sends bigint NOT NULL,
  subject_id uuid NOT NULL,                -- the merchant, its site or its campaign: whose sends they are
  PRIMARY KEY (merchant_id, subject_id, month)
);
