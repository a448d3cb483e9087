-- home: merchant. Events are rows of the transaction that made them; the closer numbers them in commit order.
CREATE TABLE outbox (
  merchant_id uuid NOT NULL,
  subject_id uuid NOT NULL,
  seq int NOT NULL,
  subject_kind text NOT NULL,
  event_id uuid NOT NULL,
  event text NOT NULL,
  body jsonb NOT NULL,
  business_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  fed boolean NOT NULL DEFAULT false,
  PRIMARY KEY (merchant_id, subject_id, seq)
) PARTITION BY RANGE (subject_id);
CREATE INDEX outbox_unfed ON outbox (merchant_id, recorded_at) WHERE NOT fed;

CREATE TABLE feed (
  merchant_id uuid NOT NULL,
  feed_no bigint NOT NULL,
  subject_id uuid NOT NULL,
  seq int NOT NULL,
  event_id uuid NOT NULL,
  event text NOT NULL,
  PRIMARY KEY (merchant_id, feed_no),
  UNIQUE (merchant_id, subject_id, seq)
);

-- How far a merchant's feed and pages got; its row is the closer's lock.
CREATE TABLE closers (
  merchant_id uuid PRIMARY KEY,
  feed_no bigint NOT NULL DEFAULT 0,
  page_no bigint NOT NULL DEFAULT 0,
  root bytea NOT NULL DEFAULT '\x'
);

CREATE TABLE endpoints (
  merchant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  url text NOT NULL,
  events text[] NOT NULL,
  format text NOT NULL CHECK (format IN ('rescue', 'rescue-text', 'standard', 'stablecoin')),
  own_key bytea,                           -- sealed; null = the merchant's key signs
  ordered boolean NOT NULL DEFAULT true,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled', 'deleted')),
  why text,
  created_at timestamptz NOT NULL,
  encrypt boolean NOT NULL DEFAULT false,  -- stablecoin format only
  door text NOT NULL DEFAULT 'rescue' CHECK (door IN ('rescue', 'stablecoin')),  -- which API manages it
  PRIMARY KEY (merchant_id, endpoint_id)
);

CREATE UNIQUE INDEX endpoints_one_stablecoin ON endpoints (merchant_id)
  WHERE door = 'stablecoin' AND state <> 'deleted';
CREATE UNIQUE INDEX endpoints_one_url ON endpoints (merchant_id, url, (format = 'stablecoin'))
  WHERE door = 'rescue' AND state <> 'deleted';

-- One endpoint x one subject (or one event, when unordered): the next event to deliver.
CREATE TABLE lanes (
  merchant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  lane_id uuid NOT NULL,                   -- the order's id, or the event's id for an unordered endpoint
  subject_id uuid NOT NULL,
  next_seq int NOT NULL,
  due_at timestamptz,                      -- wall time; null = nothing to deliver
  fails int NOT NULL DEFAULT 0,
  lease_until timestamptz,
  PRIMARY KEY (merchant_id, endpoint_id, lane_id),
  FOREIGN KEY (merchant_id, endpoint_id) REFERENCES endpoints
) WITH (fillfactor = 80);
CREATE INDEX lanes_due ON lanes (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE delivery_tries (
  merchant_id uuid NOT NULL,
  try_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  subject_id uuid NOT NULL,
  seq int NOT NULL,
  event_id uuid NOT NULL,
  try_no int NOT NULL,
  at timestamptz NOT NULL,
  status int,                              -- HTTP status; null when there was no answer
  error text,
  latency_ms int NOT NULL,
  answer text NOT NULL,
  result text NOT NULL CHECK (result IN ('delivered', 'failed', 'parked', 'disabled')),
  sample text,                             -- the event's name, of a sample that was sent on demand
  PRIMARY KEY (merchant_id, try_id)
) PARTITION BY RANGE (try_id);
CREATE INDEX delivery_tries_subject ON delivery_tries (merchant_id, subject_id, seq);
CREATE INDEX delivery_tries_endpoint ON delivery_tries (merchant_id, endpoint_id, try_id DESC);
