-- Postings are inserts and lock nothing; pages close over what is committed.
CREATE TABLE postings (
  merchant_id uuid NOT NULL,
  posting_id uuid NOT NULL,
  source_kind text NOT NULL,
  source_id uuid NOT NULL,
  recipe text NOT NULL,
  order_id uuid,
  content_hash bytea NOT NULL,
  business_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, posting_id),
  UNIQUE (merchant_id, source_kind, source_id, recipe)
);
CREATE INDEX postings_order ON postings (merchant_id, order_id);

-- Postings that are in no page yet: the closer takes them, and writes where they stand.
CREATE TABLE postings_queue (
  merchant_id uuid NOT NULL,
  posting_id uuid NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, posting_id)
);
CREATE TABLE page_lines (
  merchant_id uuid NOT NULL,
  page_no bigint NOT NULL,
  position int NOT NULL,
  posting_id uuid NOT NULL,
  PRIMARY KEY (merchant_id, page_no, position),
  UNIQUE (merchant_id, posting_id)
);

CREATE TABLE entries (
  merchant_id uuid NOT NULL,
  posting_id uuid NOT NULL,
  line_no smallint NOT NULL,
  account text NOT NULL,
  asset text NOT NULL,
  place text NOT NULL,
  units bigint NOT NULL CHECK (units <> 0),
  available_at timestamptz NOT NULL,
  balance_after numeric(38, 0),            -- stamped by the closer
  PRIMARY KEY (merchant_id, posting_id, line_no),
  FOREIGN KEY (merchant_id, posting_id) REFERENCES postings
) WITH (fillfactor = 60);                  -- the closer's stamps stay on their page

CREATE TABLE pages (
  merchant_id uuid NOT NULL,
  page_no bigint NOT NULL,
  prev_root bytea NOT NULL,
  root bytea NOT NULL,
  postings int NOT NULL,
  sums jsonb NOT NULL,                     -- {account|asset|place: units}
  closed_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, page_no)
);

CREATE TABLE account_balances (
  merchant_id uuid NOT NULL,
  account text NOT NULL,
  asset text NOT NULL,
  place text NOT NULL,
  units numeric(38, 0) NOT NULL,
  page_no bigint NOT NULL,
  PRIMARY KEY (merchant_id, account, asset, place)
);
