-- What a merchant is paid: by which terms, from which entries, to which account. Business time throughout.

-- A period is settled by the terms that are valid when it ends, the reserve of an order by those of its day; no terms
-- begin in the past. Rows are never changed.
CREATE TABLE settlement_terms (
  merchant_id uuid NOT NULL REFERENCES merchants,
  valid_from timestamptz NOT NULL,
  period text NOT NULL CHECK (period IN ('day', 'week', 'month')),
  anchor smallint NOT NULL,                -- day of the week (1 is Monday) or of the month on which a period begins
  delay_days smallint NOT NULL CHECK (delay_days BETWEEN 0 AND 90),
  reserve_basis_points int NOT NULL CHECK (reserve_basis_points BETWEEN 0 AND 10000),
  reserve_days smallint NOT NULL CHECK (reserve_days BETWEEN 0 AND 730),
  account_delay_days smallint NOT NULL CHECK (account_delay_days BETWEEN 0 AND 90),
  minimums jsonb NOT NULL,                 -- {asset: units}; a smaller payout is carried
  limits jsonb NOT NULL,                   -- {asset: units}; a larger adjustment needs a second person
  actor text NOT NULL,
  recorded_at timestamptz NOT NULL,        -- wall time
  business_at timestamptz NOT NULL,        -- by the merchant's clock, when it was set
  PRIMARY KEY (merchant_id, valid_from),
  CHECK (anchor BETWEEN 1 AND CASE period WHEN 'day' THEN 1 WHEN 'week' THEN 7 ELSE 28 END)
);

-- Where a merchant's settlement stands; the row is the lock of whoever closes its batches.
CREATE TABLE settlement_clocks (
  merchant_id uuid PRIMARY KEY REFERENCES merchants,
  period_from timestamptz NOT NULL         -- of the first period that is not settled
);

-- A batch is closed when it exists. Units as the merchant sees them: + is in its favour; all of them add up to 0, the
-- payout counted as -.
CREATE TABLE settlement_batches (
  merchant_id uuid NOT NULL,
  batch_id uuid NOT NULL,
  asset text NOT NULL,
  period_from timestamptz NOT NULL,
  period_to timestamptz NOT NULL,          -- the cut-off: entries available before it, if no batch had them yet
  page_from bigint NOT NULL,               -- closed pages that were looked through
  page_to bigint NOT NULL,
  root bytea NOT NULL,                     -- of page_to
  open_from bigint NOT NULL,               -- the first page that has something left for a later batch
  lines int NOT NULL,
  amount_units bigint NOT NULL,
  fee_units bigint NOT NULL,
  dispute_fee_units bigint NOT NULL,
  dispute_units bigint NOT NULL,
  refund_units bigint NOT NULL,
  adjustment_units bigint NOT NULL,
  reserve_units bigint NOT NULL,           -- released less held
  carried_units bigint NOT NULL,           -- from the batch before less to the next
  payout_units bigint NOT NULL CHECK (payout_units >= 0),
  held_units bigint NOT NULL CHECK (held_units >= 0),
  release_at timestamptz,                  -- when held_units are the merchant's again
  closed_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,        -- wall time
  PRIMARY KEY (merchant_id, batch_id),
  UNIQUE (merchant_id, asset, period_to),
  CHECK (amount_units + fee_units + dispute_fee_units + dispute_units + refund_units + adjustment_units + reserve_units
    + carried_units = payout_units)
);
CREATE INDEX settlement_batches_newest ON settlement_batches (merchant_id, closed_at DESC, batch_id DESC);

-- An entry is settled at most once.
CREATE TABLE settlement_lines (
  merchant_id uuid NOT NULL,
  posting_id uuid NOT NULL,
  line_no smallint NOT NULL,
  batch_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN
    ('amount', 'fee', 'dispute_fee', 'dispute', 'refund', 'adjustment', 'reserve', 'carried', 'payout')),
  units bigint NOT NULL,
  PRIMARY KEY (merchant_id, posting_id, line_no),
  FOREIGN KEY (merchant_id, posting_id, line_no) REFERENCES entries,
  FOREIGN KEY (merchant_id, batch_id) REFERENCES settlement_batches
);
CREATE INDEX settlement_lines_batch ON settlement_lines (merchant_id, batch_id, posting_id, line_no);

CREATE TABLE adjustments (
  merchant_id uuid NOT NULL,
  adjustment_id uuid NOT NULL,
  asset text NOT NULL,
  units bigint NOT NULL CHECK (units <> 0), -- + in the merchant's favour
  note text NOT NULL CHECK (note <> ''),
  state text NOT NULL CHECK (state IN ('waiting', 'booked', 'refused')),
  made_by text NOT NULL,
  decided_by text,
  created_at timestamptz NOT NULL,
  decided_at timestamptz,
  PRIMARY KEY (merchant_id, adjustment_id),
  CHECK ((state = 'waiting') = (decided_at IS NULL))
);
CREATE INDEX adjustments_newest ON adjustments (merchant_id, created_at DESC, adjustment_id DESC);
CREATE INDEX adjustments_waiting ON adjustments (merchant_id, created_at) WHERE state = 'waiting';

-- The numbers are sealed; `masked` is what anybody sees. At most one account of a currency is active.
CREATE TABLE bank_accounts (
  merchant_id uuid NOT NULL,
  account_id uuid NOT NULL,
  asset text NOT NULL,
  scheme text NOT NULL CHECK (scheme IN ('us', 'iban')),
  holder text NOT NULL,
  masked text NOT NULL,
  sealed bytea NOT NULL,                   -- {"routing", "account"} or {"iban"}
  deposits bytea NOT NULL,                 -- sealed: the two amounts that prove who reads its statement
  state text NOT NULL CHECK (state IN ('added', 'verified', 'active', 'replaced', 'refused')),
  tries smallint NOT NULL DEFAULT 0,
  added_by text NOT NULL,
  added_at timestamptz NOT NULL,
  verified_at timestamptz,
  approved_by text,
  active_at timestamptz,                   -- payouts wait account_delay_days from here
  ended_at timestamptz,
  reason text,
  PRIMARY KEY (merchant_id, account_id),
  CHECK ((state IN ('active', 'replaced')) = (active_at IS NOT NULL))
);
CREATE UNIQUE INDEX bank_accounts_active ON bank_accounts (merchant_id, asset) WHERE state = 'active';

CREATE TABLE bank_payouts (
  merchant_id uuid NOT NULL,
  payout_id uuid NOT NULL,
  batch_id uuid NOT NULL,
  payout_no smallint NOT NULL,             -- counts the tries to pay a batch
  asset text NOT NULL,
  units bigint NOT NULL CHECK (units > 0),
  state text NOT NULL CHECK (state IN ('created', 'approved', 'sent', 'paid', 'returned')),
  version int NOT NULL,                    -- numbers its events
  reference text NOT NULL,                 -- what the bank statement shows
  requested_by text NOT NULL,
  approved_by text,
  account_id uuid,                         -- since its approval
  file_name text,
  file bytea,                              -- sealed; made once, so that it is the same whenever it is read
  file_hash bytea,
  tries int NOT NULL DEFAULT 0,
  reason text,
  created_at timestamptz NOT NULL,
  approved_at timestamptz,
  sent_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (merchant_id, payout_id),
  UNIQUE (merchant_id, batch_id, payout_no),
  FOREIGN KEY (merchant_id, batch_id) REFERENCES settlement_batches,
  FOREIGN KEY (merchant_id, account_id) REFERENCES bank_accounts,
  CHECK ((state = 'created') = (account_id IS NULL))
);
-- Each state that a payout came into, and when: what was so at a moment of the past. Never changed.
CREATE TABLE bank_payout_states (
  merchant_id uuid NOT NULL,
  payout_id uuid NOT NULL,
  state_no smallint NOT NULL,
  state text NOT NULL CHECK (state IN ('created', 'approved', 'sent', 'paid', 'returned')),
  business_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,        -- wall time
  PRIMARY KEY (merchant_id, payout_id, state_no),
  FOREIGN KEY (merchant_id, payout_id) REFERENCES bank_payouts
);
CREATE UNIQUE INDEX bank_payouts_one ON bank_payouts (merchant_id, batch_id) WHERE state <> 'returned';
CREATE INDEX bank_payouts_open ON bank_payouts (merchant_id, state) WHERE state IN ('created', 'approved', 'sent');
CREATE INDEX bank_payouts_ended ON bank_payouts (merchant_id, account_id, ended_at DESC) WHERE ended_at IS NOT NULL;
CREATE INDEX bank_payouts_reference ON bank_payouts (merchant_id, reference);
