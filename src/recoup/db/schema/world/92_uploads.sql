-- Files of many payments; each row goes the way of a single call, and is answered.
CREATE TABLE uploads (
  merchant_id uuid NOT NULL,
  upload_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('transmit', 'evaluate')),
  form text NOT NULL CHECK (form IN ('json', 'csv')),
  content_mac bytea NOT NULL,              -- of the unpacked bytes: the same file again is this upload
  file_name text NOT NULL,
  state text NOT NULL CHECK (state IN ('received', 'working', 'completed', 'stopped')),
  row_count int NOT NULL DEFAULT 0,
  done_count int NOT NULL DEFAULT 0,
  refused_count int NOT NULL DEFAULT 0,    -- some already when the file is read
  begun_to int NOT NULL DEFAULT 0,         -- rows up to this one may have taken effect
  notes jsonb NOT NULL DEFAULT '[]',       -- what whoever reads it should know of the file
  actor text NOT NULL,
  request_id text NOT NULL,
  received_at timestamptz NOT NULL,        -- wall time, as the other two
  stop_requested_at timestamptz,
  stop_requested_by text,
  finished_at timestamptz,
  PRIMARY KEY (merchant_id, upload_id),
  CHECK ((finished_at IS NOT NULL) = (state IN ('completed', 'stopped'))),
  CHECK (done_count + refused_count <= row_count),
  CHECK (state <> 'completed' OR done_count + refused_count = row_count)
);
CREATE INDEX uploads_at ON uploads (merchant_id, received_at DESC);
-- One that was stopped may be sent again.
CREATE UNIQUE INDEX uploads_content ON uploads (merchant_id, kind, content_mac) WHERE state <> 'stopped';
CREATE INDEX uploads_unfinished ON uploads (merchant_id, kind, upload_id) WHERE state IN ('received', 'working');

CREATE TABLE upload_rows (
  merchant_id uuid NOT NULL,
  upload_id uuid NOT NULL,
  row_no int NOT NULL,
  line_no int NOT NULL,
  sequence text NOT NULL,                  -- as the row says, else its number
  external_id text NOT NULL,
  given bytea,                             -- the checked row while it waits; forgotten with its answer
  subject_id uuid,                         -- the order or transmission; a transmission's before it is made
  state text NOT NULL CHECK (state IN ('received', 'done', 'refused', 'stopped')),
  tries smallint NOT NULL DEFAULT 0,       -- that broke on our side
  status text,                             -- the word that a single call is answered
  code text,
  errors jsonb NOT NULL DEFAULT '[]',      -- [{field, message, cure}]
  warning text,
  PRIMARY KEY (merchant_id, upload_id, row_no),
  FOREIGN KEY (merchant_id, upload_id) REFERENCES uploads,
  CHECK ((given IS NOT NULL) = (state = 'received')),
  CHECK ((code IS NOT NULL) = (state = 'refused')),
  CHECK ((status IS NOT NULL) = (state = 'done'))
);
CREATE INDEX upload_rows_waiting ON upload_rows (merchant_id, upload_id, row_no) WHERE state = 'received';
CREATE INDEX upload_rows_refused ON upload_rows (merchant_id, upload_id, row_no) WHERE state = 'refused';
