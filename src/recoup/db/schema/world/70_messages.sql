-- Events are rows of the transaction that made them; the closer numbers them in commit order.
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
  PRIMARY KEY (merchant_id, subject_id, seq)
) PARTITION BY RANGE (subject_id);

-- Events that are not in the feed yet. A row comes and goes with one transaction each; the event is written once.
CREATE TABLE outbox_queue (
  merchant_id uuid NOT NULL,
  subject_id uuid NOT NULL,
  seq int NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, subject_id, seq)
);
CREATE INDEX outbox_queue_oldest ON outbox_queue (merchant_id, recorded_at);

CREATE TABLE feed (
  merchant_id uuid NOT NULL,
  feed_no bigint NOT NULL,
  subject_id uuid NOT NULL,
  seq int NOT NULL,
  event_id uuid NOT NULL,
  event text NOT NULL,
  number bigint,                           -- counts the rescue API's events without gaps; null for the other API's
  PRIMARY KEY (merchant_id, feed_no),
  UNIQUE (merchant_id, subject_id, seq),
  UNIQUE (merchant_id, number)
);
CREATE INDEX feed_waiting ON feed (merchant_id, feed_no) WHERE event IN ('order.problem', 'order.onhold');

-- How far a merchant's feed and pages got; its row is the closer's lock.
CREATE TABLE closers (
  merchant_id uuid PRIMARY KEY,
  feed_no bigint NOT NULL DEFAULT 0,
  page_no bigint NOT NULL DEFAULT 0,
  root bytea NOT NULL DEFAULT '\x',
  number bigint NOT NULL DEFAULT 0
);

-- Where events go: a merchant's addresses, and those of partners, who hear of all their merchants.
CREATE TABLE directory.endpoints (
  endpoint_id uuid PRIMARY KEY,
  merchant_id uuid,
  partner_id uuid,
  url text NOT NULL,
  events text[] NOT NULL,
  format text NOT NULL CHECK (format IN ('rescue', 'rescue-text', 'standard', 'stablecoin')),
  own_key bytea,                           -- sealed; null = the merchant's key signs
  ordered boolean NOT NULL DEFAULT true,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled', 'deleted')),
  why text,                                -- it is disabled: a code of webhooks/rules/endpoint_whys.py
  created_at timestamptz NOT NULL,
  encrypt boolean NOT NULL DEFAULT false,  -- stablecoin format only
  door text NOT NULL DEFAULT 'rescue' CHECK (door IN ('rescue', 'stablecoin')),  -- which API manages it
  previous_key bytea,                      -- sealed; besides `own_key` until `previous_until`
  previous_until timestamptz,
  rotated_at timestamptz,
  switched_at timestamptz,                 -- when its receiver took what only the new key had signed
  failures int NOT NULL DEFAULT 0,         -- tries in a row that were not taken
  failing_since timestamptz,
  last_error text,
  opened_at timestamptz,                   -- the circuit breaker: since then there are probes only, one at a time
  probes int NOT NULL DEFAULT 0,
  probe_at timestamptz,                    -- wall time; null = the breaker is closed
  CHECK (num_nonnulls(merchant_id, partner_id) = 1),
  CHECK (partner_id IS NULL OR own_key IS NOT NULL),
  CHECK ((opened_at IS NULL) = (probe_at IS NULL)),
  CHECK ((previous_key IS NULL) = (previous_until IS NULL))
);
CREATE INDEX endpoints_of_merchant ON endpoints (merchant_id) WHERE state <> 'deleted';
CREATE INDEX endpoints_of_partner ON endpoints (partner_id) WHERE state <> 'deleted';
CREATE UNIQUE INDEX endpoints_one_stablecoin ON endpoints (merchant_id)
  WHERE door = 'stablecoin' AND state <> 'deleted';
CREATE UNIQUE INDEX endpoints_one_url ON endpoints (coalesce(merchant_id, partner_id), url, (format = 'stablecoin'))
  WHERE door = 'rescue' AND state <> 'deleted';

-- The merchant's webhook key that was replaced, until it ends: one for each API.
CREATE TABLE webhook_key_overlaps (
  merchant_id uuid NOT NULL,
  previous_key bytea NOT NULL,             -- sealed
  previous_until timestamptz NOT NULL,
  rotated_at timestamptz NOT NULL,
  door text NOT NULL DEFAULT 'rescue' CHECK (door IN ('rescue', 'stablecoin')),
  PRIMARY KEY (merchant_id, door)
);

-- One endpoint x one subject (or one event, when unordered): the next event to deliver. While earlier events are sent
-- again, `next_seq` stands before `live_seq`, where it goes on.
CREATE TABLE lanes (
  merchant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  lane_id uuid NOT NULL,                   -- the order's id, or the event's id for an unordered endpoint
  subject_id uuid NOT NULL,
  next_seq int NOT NULL,
  due_at timestamptz,                      -- wall time; null = nothing to deliver
  fails int NOT NULL DEFAULT 0,            -- of this event, that count for its schedule
  tries int NOT NULL DEFAULT 0,            -- of this event, probes of an open breaker among them
  lease_until timestamptz,
  replay_id uuid,
  live_seq int,
  PRIMARY KEY (merchant_id, endpoint_id, lane_id),
  CHECK ((replay_id IS NULL) = (live_seq IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX lanes_due ON lanes (endpoint_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lanes_resent ON lanes (endpoint_id) WHERE replay_id IS NOT NULL;

-- What shall be sent again: events of the feed from one number to another, and between two instants.
CREATE TABLE replays (
  merchant_id uuid NOT NULL,
  replay_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  key text NOT NULL,                       -- the caller's; a repeat is the same replay
  request jsonb NOT NULL,
  feed_from bigint NOT NULL,
  feed_to bigint NOT NULL,
  at_from timestamptz,                     -- business time, included
  at_to timestamptz,                       -- business time, not included
  events text[] NOT NULL,
  done_to bigint NOT NULL,                 -- lanes are open for what stands up to here
  found int NOT NULL DEFAULT 0,
  actor text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, replay_id),
  UNIQUE (merchant_id, endpoint_id, key)
);
CREATE INDEX replays_endpoint ON replays (endpoint_id, created_at);
CREATE INDEX replays_open ON replays (endpoint_id) WHERE done_to < feed_to;
CREATE INDEX replays_key ON replays (endpoint_id, key);

-- The feed over all merchants of a partner, numbered anew without gaps; events of one merchant keep their
-- order. `partner_reached`: up to where each merchant's own feed is in it.
CREATE TABLE hub.partner_closers (
  partner_id uuid PRIMARY KEY,
  number bigint NOT NULL DEFAULT 0
);
CREATE TABLE hub.partner_reached (
  partner_id uuid NOT NULL,
  merchant_id uuid NOT NULL,
  number bigint NOT NULL,
  PRIMARY KEY (partner_id, merchant_id)
);
CREATE TABLE hub.partner_feed (
  partner_id uuid NOT NULL,
  number bigint NOT NULL,
  merchant_id uuid NOT NULL,
  merchant_number bigint NOT NULL,
  PRIMARY KEY (partner_id, number),
  UNIQUE (partner_id, merchant_id, merchant_number)
);

-- What was tried, and what came of it.

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
  resent boolean NOT NULL DEFAULT false,   -- a person asked for the event again
  PRIMARY KEY (merchant_id, try_id)
) PARTITION BY RANGE (try_id);
CREATE INDEX delivery_tries_subject ON delivery_tries (merchant_id, subject_id, seq);
CREATE INDEX delivery_tries_endpoint ON delivery_tries (endpoint_id, try_id DESC);
