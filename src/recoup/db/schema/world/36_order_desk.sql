-- What people write beside an order. What was written stays written; of who asks to be forgotten the text goes.
CREATE TABLE order_notes (
  merchant_id uuid NOT NULL,
  note_id uuid NOT NULL,
  order_id uuid NOT NULL,
  text text NOT NULL,                      -- empty: erased
  actor text NOT NULL,
  business_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, note_id),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders
);
CREATE INDEX order_notes_of ON order_notes (merchant_id, order_id, note_id);

-- What people typed for a line of an order's log, which itself is never changed.
CREATE TABLE order_words (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  seq int NOT NULL,
  text text NOT NULL,                      -- empty: erased
  PRIMARY KEY (merchant_id, order_id, seq),
  FOREIGN KEY (merchant_id, order_id, seq) REFERENCES order_log
);

-- Customers and cards that a merchant sells no more to. Each change makes a new version of the merchant's settings, so that
-- admission is fenced by it. `subject_id`: the payer, or the card number (pan_id).
CREATE TABLE blocks (
  merchant_id uuid NOT NULL,
  block_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('customer', 'card')),
  subject_id uuid NOT NULL,
  reason text NOT NULL,
  order_id uuid,                           -- the order on whose page it was made
  actor text NOT NULL,
  business_at timestamptz NOT NULL,
  lifted_by text,
  lifted_at timestamptz,
  PRIMARY KEY (merchant_id, block_id),
  CHECK ((lifted_by IS NULL) = (lifted_at IS NULL))
);
CREATE UNIQUE INDEX blocks_standing ON blocks (merchant_id, kind, subject_id) WHERE lifted_at IS NULL;

-- Whose data was exported or erased, by whom and when; the data itself is in neither.
CREATE TABLE person_log (
  merchant_id uuid NOT NULL,
  line_id uuid NOT NULL,
  payer_id uuid NOT NULL,
  what text NOT NULL CHECK (what IN ('exported', 'erased')),
  orders int NOT NULL,
  actor text NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, line_id)
);
CREATE INDEX person_log_of ON person_log (merchant_id, payer_id, line_id);

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
