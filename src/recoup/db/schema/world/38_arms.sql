-- Who decides about new orders, the engine or the ladder: each change is a line, the newest of the
-- merchant and of a site counts. `version` is the merchant's that the change made; an order keeps the one it came under.
CREATE TABLE arm_settings (
  merchant_id uuid NOT NULL REFERENCES merchants,
  version int NOT NULL,
  site_id uuid,                            -- null: of all sites that have none of their own
  mode text NOT NULL CHECK (mode IN ('inherit', 'off', 'shadow', 'share')),  -- inherit: a site again as the merchant
  share smallint NOT NULL CHECK (share BETWEEN 0 AND 100),        -- percent of customers that the engine decides for
  holdout smallint NOT NULL CHECK (holdout BETWEEN 0 AND 50),     -- percent that it never does
  explore smallint NOT NULL CHECK (explore BETWEEN 0 AND 20),     -- percent of decisions that are drawn
  explore_max jsonb NOT NULL,              -- by currency, the units above which nothing is drawn; empty: no bound
  changed_at timestamptz NOT NULL,         -- wall time
  changed_by text NOT NULL,
  PRIMARY KEY (merchant_id, version),
  FOREIGN KEY (merchant_id, site_id) REFERENCES sites,
  CHECK (share + holdout <= 100),
  CHECK (mode <> 'inherit' OR site_id IS NOT NULL)
);
CREATE INDEX arm_settings_newest ON arm_settings (merchant_id, site_id, version DESC);

-- While one stands, the ladder decides in the engine's place: for a merchant, or for all of them.
CREATE TABLE directory.engine_stops (
  stop_id uuid PRIMARY KEY,
  merchant_id uuid,                        -- null: all
  why text NOT NULL,
  actor text NOT NULL,
  stopped_at timestamptz NOT NULL,         -- wall time, as below
  ended_by text,
  ended_at timestamptz,
  CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX engine_stops_now ON engine_stops (coalesce(merchant_id, '00000000-0000-0000-0000-000000000000'))
  WHERE ended_at IS NULL;
