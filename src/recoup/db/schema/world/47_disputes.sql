-- What cardholders take back through their issuer: one row a case of the processor, whatever stages it
-- goes through. `round_id` is what the present round of money is booked under.
CREATE TABLE disputes (
  merchant_id uuid NOT NULL,
  dispute_id uuid NOT NULL,
  order_id uuid NOT NULL,
  dispute_no int NOT NULL CHECK (dispute_no >= 1),
  attempt_id uuid NOT NULL,                -- the charge
  route text NOT NULL,
  case_ref text NOT NULL,                  -- the processor's
  round_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('fraud', 'service', 'authorisation', 'processing', 'other')),
  reason_code text NOT NULL,
  stage text NOT NULL CHECK (stage IN ('inquiry', 'first', 'pre_arbitration', 'arbitration')),
  state text NOT NULL CHECK (state IN ('open', 'answered', 'won', 'lost', 'accepted', 'expired')),
  units bigint NOT NULL CHECK (units > 0),
  asset text NOT NULL,
  liable text NOT NULL CHECK (liable IN ('operator', 'merchant')),
  fee_units bigint NOT NULL DEFAULT 0 CHECK (fee_units >= 0),  -- what the merchant pays for it, by contract
  opened_at timestamptz NOT NULL,
  respond_by timestamptz,
  warned boolean NOT NULL DEFAULT false,
  closed_at timestamptz,
  answer text CHECK (answer IN ('contest', 'accept')),
  answer_id uuid,
  answer_state text CHECK (answer_state IN ('owed', 'sent', 'done', 'refused')),
  answer_tries int NOT NULL DEFAULT 0,
  answer_before timestamptz,               -- wall time; no first byte leaves later
  answer_code text,
  answer_no int NOT NULL DEFAULT 0,        -- which of our answers to the case, as the processor counts them
  PRIMARY KEY (merchant_id, dispute_id),
  UNIQUE (merchant_id, route, case_ref),
  UNIQUE (merchant_id, order_id, dispute_no),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders,
  CHECK ((answer IS NULL) = (answer_state IS NULL))
);
CREATE INDEX disputes_desk ON disputes (merchant_id, respond_by, dispute_id) WHERE state = 'open';
CREATE INDEX disputes_newest ON disputes (merchant_id, opened_at DESC, dispute_id DESC);
CREATE INDEX disputes_state ON disputes (merchant_id, state, opened_at DESC, dispute_id DESC);

-- What speaks for the merchant, in words and links. What was said stays said, until its cardholder asks to be forgotten.
CREATE TABLE dispute_notes (
  merchant_id uuid NOT NULL,
  note_id uuid NOT NULL,
  dispute_id uuid NOT NULL,
  text text NOT NULL,                      -- empty: erased
  actor text NOT NULL,
  business_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, note_id),
  FOREIGN KEY (merchant_id, dispute_id) REFERENCES disputes
);
CREATE INDEX dispute_notes_of ON dispute_notes (merchant_id, dispute_id, note_id);

-- The same as files. Bytes are sealed; gone with the customer's data.
CREATE TABLE dispute_files (
  merchant_id uuid NOT NULL,
  file_id uuid NOT NULL,
  dispute_id uuid NOT NULL,
  name text NOT NULL,                      -- empty: erased
  media_type text NOT NULL,
  bytes int NOT NULL CHECK (bytes > 0),
  sha256 bytea NOT NULL,                   -- empty: erased
  sealed bytea,                            -- null: erased
  actor text NOT NULL,
  business_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, file_id),
  FOREIGN KEY (merchant_id, dispute_id) REFERENCES disputes
);
CREATE INDEX dispute_files_of ON dispute_files (merchant_id, dispute_id, file_id);

-- Which earlier payments of the card an answer names (Visa's Compelling Evidence 3.0): chosen once for each answer.
CREATE TABLE dispute_priors (
  merchant_id uuid NOT NULL,
  answer_id uuid NOT NULL,
  dispute_id uuid NOT NULL,
  attempts uuid[] NOT NULL,                -- none: it did not qualify
  keys text[] NOT NULL,                    -- by which they are alike: ELEMENTS of networks/compelling_evidence
  PRIMARY KEY (merchant_id, answer_id),
  FOREIGN KEY (merchant_id, dispute_id) REFERENCES disputes
);
CREATE INDEX dispute_priors_of ON dispute_priors (merchant_id, dispute_id, answer_id DESC);

-- What the networks' monitoring programmes count of a merchant number at an acquirer: approved sends, disputes, reports of
-- fraud. Months of business time; counted anew while they last and in the month after.
CREATE TABLE monitoring_months (
  merchant_id uuid NOT NULL,
  acceptor_id text NOT NULL,
  scheme text NOT NULL,
  month date NOT NULL,
  sales bigint NOT NULL,
  disputes bigint NOT NULL,
  frauds bigint NOT NULL,
  fraud_disputes bigint NOT NULL,          -- with codes of fraud that Mastercard counts
  fraud_units bigint NOT NULL,             -- of them, in dollars and euros together
  share double precision NOT NULL,         -- of the threshold that is nearest, of those that are certain
  counted_at timestamptz NOT NULL,         -- wall time
  PRIMARY KEY (merchant_id, month, scheme, acceptor_id)
);

-- By contract: who bears disputes about the service, and what a dispute costs the merchant. The row that was valid when
-- the charge was approved counts; asset '' holds for every currency.
CREATE TABLE dispute_terms (
  merchant_id uuid NOT NULL,
  terms_id uuid NOT NULL,
  asset text NOT NULL,
  valid_from timestamptz NOT NULL,
  service_borne_by text NOT NULL CHECK (service_borne_by IN ('operator', 'merchant')),
  fee_units bigint NOT NULL CHECK (fee_units >= 0),
  fee_borne_by text NOT NULL CHECK (fee_borne_by IN ('operator', 'merchant')),
  block_cards boolean NOT NULL,            -- a card that was disputed as fraud is not charged again
  actor text NOT NULL,
  made_at timestamptz NOT NULL,
  business_at timestamptz NOT NULL,        -- by the merchant's clock, when it was set
  PRIMARY KEY (merchant_id, terms_id),
  UNIQUE (merchant_id, asset, valid_from),
  FOREIGN KEY (merchant_id) REFERENCES merchants,
  CHECK (fee_units = 0 OR asset <> '')
);

-- Every notice of a processor once, with what became of it. `merchant_id` as the notice says, whoever that is.
CREATE TABLE dispute_notices (
  merchant_id uuid NOT NULL,
  route text NOT NULL,
  notice_id text NOT NULL,
  state text NOT NULL CHECK (state IN ('applied', 'stale', 'unmatched', 'settled')),
  why text NOT NULL DEFAULT '',            -- of an unmatched one
  content jsonb NOT NULL,
  content_hash bytea NOT NULL,
  received_at timestamptz NOT NULL,
  tries int NOT NULL DEFAULT 1,
  PRIMARY KEY (merchant_id, route, notice_id)
);
CREATE INDEX dispute_notices_desk ON dispute_notices (merchant_id, received_at DESC) WHERE state = 'unmatched';
