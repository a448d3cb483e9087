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
  changed_by text NOT NULL
);
CREATE INDEX processor_connections_merchant ON processor_connections (merchant_id);
GRANT SELECT, INSERT, UPDATE ON processor_connections TO recoup_app;
