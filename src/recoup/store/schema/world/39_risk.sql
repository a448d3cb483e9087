-- How the risk of fraud is judged where a customer waits: each change is a line, the newest counts; without one the check
-- watches. `version` is the merchant's that the change made.
CREATE TABLE risk_settings (
  merchant_id uuid NOT NULL REFERENCES merchants,
  version int NOT NULL,
  mode text NOT NULL CHECK (mode IN ('off', 'shadow', 'share')),
  share smallint NOT NULL CHECK (share BETWEEN 0 AND 100),        -- percent of customers for whom it decides
  holdout smallint NOT NULL CHECK (holdout BETWEEN 0 AND 50),     -- percent for whom it never does
  margin smallint NOT NULL CHECK (margin BETWEEN 1 AND 100),      -- percent of the amount that a lost sale costs
  changed_at timestamptz NOT NULL,         -- wall time
  changed_by text NOT NULL,
  PRIMARY KEY (merchant_id, version),
  CHECK (share + holdout <= 100)
);

-- Who came how often: keyed hashes alone, kept for some days. A merchant's order counts once under each name, however
-- often it is sent; another card of it counts as another card.
CREATE TABLE risk_sightings (
  merchant_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('card', 'payer', 'device', 'address', 'ip')),
  name uuid NOT NULL,
  subject uuid NOT NULL,                   -- of the merchant's order id
  pan_id uuid NOT NULL,
  at timestamptz NOT NULL,                 -- wall time
  PRIMARY KEY (merchant_id, kind, name, subject, pan_id)
);
CREATE INDEX risk_sightings_newest ON risk_sightings (merchant_id, kind, name, at DESC);
CREATE INDEX risk_sightings_age ON risk_sightings (at);
