-- Files of the list of orders that the worker makes, for the person who asked for each. What was asked for,
-- in which somebody's name may stand, is forgotten with the file.
CREATE TABLE exports (
  merchant_id uuid NOT NULL,
  export_id uuid NOT NULL,                 -- the form's own key: what comes twice is one
  user_id uuid NOT NULL,
  form text NOT NULL CHECK (form IN ('csv', 'json', 'xlsx')),
  state text NOT NULL CHECK (state IN ('asked', 'working', 'ready', 'refused', 'cancelled', 'gone')),
  wanted jsonb NOT NULL,                   -- filters as instants and ids, order, columns, zone
  said jsonb NOT NULL,                     -- the same in words
  file_name text NOT NULL,
  total int,                               -- rows to come, when they could be counted
  rows_done int NOT NULL DEFAULT 0,
  bytes_done bigint NOT NULL DEFAULT 0,
  run_no int NOT NULL DEFAULT 0,           -- of whoever makes it; one that was superseded ends nothing
  why text,                                -- it was refused
  request_id text NOT NULL,
  requested_at timestamptz NOT NULL,           -- wall time, as the others
  beat_at timestamptz,                     -- of the run that makes it, every second
  finished_at timestamptz,
  gone_at timestamptz,                     -- when the file goes, if it is ready
  run_id uuid,                             -- under which its parts stand; null: it has none
  parts int,                               -- how many, once they are all there
  PRIMARY KEY (merchant_id, export_id),
  CHECK ((finished_at IS NULL) = (state IN ('asked', 'working')))
);
CREATE INDEX exports_newest ON exports (merchant_id, user_id, requested_at DESC, export_id);
CREATE INDEX exports_worded ON exports (merchant_id)
  WHERE state IN ('working', 'ready', 'refused') AND wanted <> '{}';
CREATE INDEX exports_standing ON exports (merchant_id, gone_at) WHERE state IN ('asked', 'working', 'ready');
CREATE INDEX exports_over ON exports (merchant_id) WHERE run_id IS NOT NULL AND state NOT IN ('working', 'ready');
-- What their files are made of, each part packed by itself. Partitioned by day.
CREATE TABLE export_parts (
  merchant_id uuid NOT NULL,
  run_id uuid NOT NULL,
  part_no int NOT NULL,
  packed bytea NOT NULL,                   -- by zlib
  PRIMARY KEY (merchant_id, run_id, part_no)
) PARTITION BY RANGE (run_id);
ALTER TABLE export_parts ALTER COLUMN packed SET STORAGE EXTERNAL;

-- One thing done to many orders, each with an answer of its own.
CREATE TABLE bulk_acts (
  merchant_id uuid NOT NULL,
  act_id uuid NOT NULL,                    -- the form's own key
  action text NOT NULL CHECK (action IN ('cancel', 'redeliver', 'note')),
  note text NOT NULL DEFAULT '',           -- empty as well when it is done: the orders have it
  state text NOT NULL CHECK (state IN ('working', 'completed', 'stopped')),
  said jsonb NOT NULL,                     -- the list, in words; none when it is done
  row_count int NOT NULL CHECK (row_count > 0),
  done_count int NOT NULL DEFAULT 0,
  refused_count int NOT NULL DEFAULT 0,
  actor text NOT NULL,
  request_id text NOT NULL,
  requested_at timestamptz NOT NULL,           -- wall time, as the others
  stop_requested_at timestamptz,
  finished_at timestamptz,
  PRIMARY KEY (merchant_id, act_id),
  CHECK ((finished_at IS NULL) = (state = 'working')),
  CHECK (done_count + refused_count <= row_count)
);
CREATE INDEX bulk_acts_newest ON bulk_acts (merchant_id, requested_at DESC, act_id);

CREATE TABLE bulk_act_rows (
  merchant_id uuid NOT NULL,
  act_id uuid NOT NULL,
  row_no int NOT NULL,
  order_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'done', 'refused', 'left')),
  answer text NOT NULL DEFAULT '',
  PRIMARY KEY (merchant_id, act_id, row_no),
  FOREIGN KEY (merchant_id, act_id) REFERENCES bulk_acts
);
CREATE INDEX bulk_act_rows_waiting ON bulk_act_rows (merchant_id, act_id, row_no) WHERE state = 'waiting';
CREATE INDEX bulk_act_rows_refused ON bulk_act_rows (merchant_id, act_id, row_no) WHERE state = 'refused';
