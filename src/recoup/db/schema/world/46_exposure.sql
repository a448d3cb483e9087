-- What may be advanced before it is collected, by whom it was set. A limit of 0 advances nothing.
CREATE TABLE exposure_limits (
  merchant_id uuid NOT NULL REFERENCES merchants,
  asset text NOT NULL,
  limit_units bigint NOT NULL DEFAULT 0 CHECK (limit_units >= 0),
  order_max_units bigint NOT NULL DEFAULT 0 CHECK (order_max_units >= 0),
  customer_max_units bigint NOT NULL DEFAULT 0 CHECK (customer_max_units >= 0),
  chunk_units bigint NOT NULL DEFAULT 1 CHECK (chunk_units > 0),
  allowed_loss_basis_points int NOT NULL DEFAULT 0 CHECK (allowed_loss_basis_points BETWEEN 0 AND 10000),
  advance_on text NOT NULL DEFAULT 'unresolved' CHECK (advance_on IN ('unresolved', 'soft_declines', 'both')),
  drawn_units bigint NOT NULL DEFAULT 0 CHECK (drawn_units >= 0),  -- what it counts of the operator's limit
  version int NOT NULL DEFAULT 1,
  changed_at timestamptz NOT NULL,
  changed_by text NOT NULL,
  PRIMARY KEY (merchant_id, asset)
);

-- Chunks of the limit, moved here by the treasurer; an advance takes from one of them in one conditional update.
CREATE TABLE exposure_allotments (
  merchant_id uuid NOT NULL,
  asset text NOT NULL,
  slot smallint NOT NULL CHECK (slot BETWEEN 0 AND 7),
  allotted bigint NOT NULL DEFAULT 0,
  used bigint NOT NULL DEFAULT 0,
  reclaim bigint NOT NULL DEFAULT 0,       -- of what is used: does not become free again, for the limit fell
  lost bigint NOT NULL DEFAULT 0 CHECK (lost >= 0),  -- written off here since the terms were set: not free again
  PRIMARY KEY (merchant_id, asset, slot),
  CHECK (used BETWEEN 0 AND allotted),
  CHECK (reclaim BETWEEN 0 AND used)
);

-- What a customer has in use. One person is counted by each name: the merchant's id, e-mail, phone, card number.
CREATE TABLE customer_exposure (
  merchant_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  asset text NOT NULL,
  used bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
  PRIMARY KEY (merchant_id, customer_id, asset)
);

-- An order that was approved before its customer was charged, and what of it is still to be collected.
CREATE TABLE advances (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  payer_id uuid,                           -- where one is known
  pan_id uuid NOT NULL,                    -- the card number that it was approved with
  asset text NOT NULL,
  slot smallint NOT NULL,
  units bigint NOT NULL CHECK (units > 0),
  due_units bigint NOT NULL CHECK (due_units BETWEEN 0 AND units),
  state text NOT NULL CHECK (state IN ('due', 'charged', 'netted', 'uncollected')),
  policy text NOT NULL,                    -- version of the collection plan
  started_at timestamptz NOT NULL,         -- business time
  until timestamptz NOT NULL,              -- business time: what is not collected by then is bad debt
  customers uuid[] NOT NULL DEFAULT '{}',  -- whose customer_exposure it counts in while it is due
  PRIMARY KEY (merchant_id, order_id),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders,
  CHECK ((state = 'due') = (due_units > 0))
);
CREATE INDEX advances_begun ON advances (merchant_id, asset, started_at);
CREATE INDEX advances_due ON advances (merchant_id, asset, slot) WHERE due_units > 0;

-- What became of orders whose time to pay is over, by week of their begin and by the chance that was foreseen; only added to.
CREATE TABLE advance_weeks (
  merchant_id uuid NOT NULL REFERENCES merchants,
  asset text NOT NULL,
  begins date NOT NULL,                    -- a Monday, by business time
  cells jsonb NOT NULL,                    -- by tenth of the chance: terms/rules/advance_bounds
  PRIMARY KEY (merchant_id, asset, begins)
);

-- What such orders bring at least and lose at most, as versions: decisions about advances name theirs. Only added to.
CREATE TABLE advance_bounds (
  merchant_id uuid NOT NULL REFERENCES merchants,
  asset text NOT NULL,
  version int NOT NULL CHECK (version > 0),
  made_on date NOT NULL,                   -- business time
  until date NOT NULL,                     -- weeks before it have counted
  tables jsonb NOT NULL,
  PRIMARY KEY (merchant_id, asset, version)
);

-- What the operator risks over all merchants, an asset.
CREATE TABLE directory.operator_exposure (
  asset text PRIMARY KEY,
  limit_units bigint NOT NULL DEFAULT 0 CHECK (limit_units >= 0),
  drawn_units bigint NOT NULL DEFAULT 0 CHECK (drawn_units >= 0),
  changed_at timestamptz NOT NULL,
  changed_by text NOT NULL
);
