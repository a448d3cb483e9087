-- Who decides about an order, the engine or the ladder: settings, the arm of each order, and what a decision keeps of it.
CREATE TABLE arm_settings (
  merchant_id uuid NOT NULL REFERENCES merchants,
  version int NOT NULL,
  site_id uuid,
  mode text NOT NULL CHECK (mode IN ('inherit', 'off', 'shadow', 'share')),
  share smallint NOT NULL CHECK (share BETWEEN 0 AND 100),
  holdout smallint NOT NULL CHECK (holdout BETWEEN 0 AND 50),
  explore smallint NOT NULL CHECK (explore BETWEEN 0 AND 20),
  explore_max jsonb NOT NULL,
  changed_at timestamptz NOT NULL,
  changed_by text NOT NULL,
  PRIMARY KEY (merchant_id, version),
  FOREIGN KEY (merchant_id, site_id) REFERENCES sites,
  CHECK (share + holdout <= 100),
  CHECK (mode <> 'inherit' OR site_id IS NOT NULL)
);
CREATE TABLE engine_stops (
  stop_id uuid PRIMARY KEY,
  merchant_id uuid,
  why text NOT NULL,
  actor text NOT NULL,
  stopped_at timestamptz NOT NULL,
  ended_by text,
  ended_at timestamptz,
  CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX engine_stops_now ON engine_stops (coalesce(merchant_id, '00000000-0000-0000-0000-000000000000'))
  WHERE ended_at IS NULL;
ALTER TABLE orders ADD COLUMN arm text, ADD COLUMN arm_version int;
ALTER TABLE decisions ADD COLUMN arm jsonb;
ALTER TABLE attempts ADD COLUMN when_due text;
GRANT SELECT, INSERT ON arm_settings, engine_stops TO recoup_app;
GRANT UPDATE (ended_by, ended_at) ON engine_stops TO recoup_app;
