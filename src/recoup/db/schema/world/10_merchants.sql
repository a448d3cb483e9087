CREATE TABLE merchants (
  merchant_id uuid PRIMARY KEY,
  partner_id uuid,
  name text NOT NULL,
  version int NOT NULL DEFAULT 1,          -- rises with every change; intake is fenced by it
  offset_us bigint NOT NULL DEFAULT 0,     -- business time minus wall time
  mit_mode text NOT NULL DEFAULT 'by_expiry' CHECK (mit_mode IN ('by_expiry', 'managed', 'sync')),
  cit_web boolean NOT NULL DEFAULT false,
  cit_callcenter boolean NOT NULL DEFAULT false,
  mit boolean NOT NULL DEFAULT true,
  region text NOT NULL DEFAULT 'us',       -- whose rules hold where a route names no country
  acceptor_id text NOT NULL,
  cit_unresolved text NOT NULL DEFAULT 'decline_and_reverse'
    CHECK (cit_unresolved IN ('decline_and_reverse', 'advance')),
  killed boolean NOT NULL DEFAULT false,   -- the kill switch: nothing is sent, orders wait on hold
  webhook_key bytea,                       -- sealed
  created_at timestamptz NOT NULL,
  capture_window_minutes int NOT NULL DEFAULT 10080 CHECK (capture_window_minutes BETWEEN 5 AND 10080),
  stablecoin_webhook_key bytea,            -- sealed
  sight jsonb NOT NULL DEFAULT '{}',       -- role -> how it sees customers' data, where an owner has chosen
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused')),  -- paused: takes no new orders
  -- an order that names a site or campaign which nobody made: taken for the default one, or refused
  unknown_sites text NOT NULL DEFAULT 'use_default' CHECK (unknown_sites IN ('use_default', 'refuse')),
  country text                             -- of its account at the acquirer, whose region follows; null: never said
);

CREATE TABLE sites (
  merchant_id uuid NOT NULL REFERENCES merchants,
  site_id uuid NOT NULL,
  url text NOT NULL,
  name text NOT NULL,
  descriptor text NOT NULL,
  cit_web boolean NOT NULL DEFAULT true,
  cit_callcenter boolean NOT NULL DEFAULT true,
  mit boolean NOT NULL DEFAULT true,
  is_default boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  support text NOT NULL DEFAULT '',        -- where its customers ask: an e-mail address, phone number or page
  retired_at timestamptz,                  -- takes no orders any more; those that it had keep it
  PRIMARY KEY (merchant_id, site_id)
);
CREATE UNIQUE INDEX sites_one_default ON sites (merchant_id) WHERE is_default;
