-- The card routes that the settings have ever named. A name stays one processor's account for good.
CREATE TABLE directory.card_routes (
  name text PRIMARY KEY,
  kind text NOT NULL,
  account text NOT NULL,
  acceptor text NOT NULL,
  connection bytea,                        -- sealed: how it is reached, for what is open after it left the settings
  first_at timestamptz NOT NULL,           -- wall time, as below
  listed_at timestamptz NOT NULL,          -- of the last start with it in the settings
  window_from timestamptz NOT NULL,        -- its breaker: what was counted since
  answered int NOT NULL DEFAULT 0,
  outages int NOT NULL DEFAULT 0,
  opened_at timestamptz,                   -- null: closed
  pause_until timestamptz,                 -- then a trickle goes
  openings int NOT NULL DEFAULT 0,         -- since it was last closed
  is_refused boolean NOT NULL DEFAULT false, -- open because the processor refuses our account or key
  refused_at timestamptz,                  -- of the last request that the processor refused, as wrong or for the account
  refused_code text,                       -- the processor's
  refused_text text,                       -- its words, of the account alone: a request's may be about a payer
  CHECK ((opened_at IS NULL) = (pause_until IS NULL))
);

-- Routes that somebody has switched off.
CREATE TABLE directory.card_route_stops (
  stop_id uuid PRIMARY KEY,
  name text NOT NULL REFERENCES card_routes,
  why text NOT NULL,
  actor text NOT NULL,
  stopped_at timestamptz NOT NULL,         -- wall time, as below
  ended_by text,
  ended_at timestamptz,
  CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX card_route_stops_now ON card_route_stops (name) WHERE ended_at IS NULL;

-- What came back by each route, hour by hour.
CREATE TABLE directory.card_route_hours (
  name text NOT NULL REFERENCES card_routes,
  hour timestamptz NOT NULL,               -- wall time
  approved bigint NOT NULL,
  expected bigint NOT NULL,                -- approvals that the engine expected of the same sends, in millionths
  declined bigint NOT NULL,
  not_sent bigint NOT NULL,
  unknown bigint NOT NULL,
  refused bigint NOT NULL DEFAULT 0,       -- requests that the processor refused as wrong; of not_sent
  PRIMARY KEY (name, hour)
);
CREATE INDEX card_route_hours_hour ON card_route_hours (hour);

-- The merchants' own card routes, which no settings file names. Where a route's connection is sealed, it stands in card_routes.
CREATE TABLE directory.processor_connections (
  route text PRIMARY KEY REFERENCES card_routes,
  merchant_id uuid NOT NULL,               -- nobody else's orders go by it
  kind text NOT NULL,
  account text NOT NULL,
  billing text NOT NULL CHECK (billing IN ('off', 'take_over', 'beside')), -- what is done with the processor's own invoices
  state text NOT NULL CHECK (state IN ('waiting', 'connected', 'disconnected')), -- waiting: for a check without a finding
  version int NOT NULL,                    -- of each change, so that processes know what they hold
  findings jsonb NOT NULL,                 -- of the last check: name, ok, finding, cure
  checked_at timestamptz NOT NULL,         -- wall time, as below
  secret_rolled_at timestamptz,            -- since then the secret before holds beside the notices' present one
  created_at timestamptz NOT NULL,
  created_by text NOT NULL,
  changed_at timestamptz NOT NULL,
  changed_by text NOT NULL,
  country text NOT NULL DEFAULT ''         -- the account's, as its processor or the merchant says
);
CREATE INDEX processor_connections_merchant ON processor_connections (merchant_id);
