-- beside
-- Orders may leave for files: which file has them, and what each said.
CREATE TABLE archives (
  merchant_id uuid NOT NULL,
  archive_id uuid NOT NULL,
  month date NOT NULL,                     -- in which its orders came
  orders int NOT NULL CHECK (orders > 0),
  root bytea NOT NULL,
  file text NOT NULL,
  written_at timestamptz NOT NULL,
  taken_out_at timestamptz,                -- null: its orders are in the database, or on their way
  PRIMARY KEY (merchant_id, archive_id)
);
CREATE TABLE archived_orders (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  archive_id uuid NOT NULL,
  PRIMARY KEY (merchant_id, order_id)
);
CREATE INDEX archived_orders_of ON archived_orders (merchant_id, archive_id);
GRANT SELECT, INSERT ON archives TO recoup_app;
GRANT SELECT ON archived_orders TO recoup_app;
