-- Statements of processors, banks and chains, each compared once with the ledger.
CREATE TABLE reconciliation_runs (
  merchant_id uuid NOT NULL,
  run_id uuid NOT NULL,
  run_key bytea NOT NULL,                  -- of the file's bytes and how it was read: the same again is this run
  kind text NOT NULL CHECK (kind IN ('processor', 'bank', 'chain')),
  file_name text NOT NULL,
  file_hash bytea NOT NULL,
  reading jsonb NOT NULL,
  period_from timestamptz NOT NULL,
  period_to timestamptz NOT NULL,
  lines int NOT NULL DEFAULT 0,            -- of the file
  counts jsonb NOT NULL DEFAULT '{}',      -- {outcome: lines}
  notes jsonb NOT NULL DEFAULT '[]',       -- what whoever reads it should know of the file
  actor text NOT NULL,
  created_at timestamptz NOT NULL,         -- wall time
  PRIMARY KEY (merchant_id, run_id),
  UNIQUE (merchant_id, run_key)
);
CREATE INDEX reconciliation_runs_newest ON reconciliation_runs (merchant_id, created_at DESC, run_id DESC);

-- The verdicts; a movement of ours that is missing there has no line_no. What may be booked stands beside it.
CREATE TABLE reconciliation_lines (
  merchant_id uuid NOT NULL,
  run_id uuid NOT NULL,
  row_no int NOT NULL,
  line_no int,
  line_id uuid,                            -- what the line says: the source of its booking
  outcome text NOT NULL
    CHECK (outcome IN ('matched', 'missing_here', 'missing_there', 'amount_differs', 'duplicate', 'refused')),
  reason text NOT NULL,
  finding text NOT NULL,
  type text,
  our_id uuid,
  reference text,                          -- a card number is never kept
  asset text,
  units bigint,                            -- theirs, without sign
  our_units bigint,
  dated timestamptz,                       -- theirs; ours where they have none
  order_id uuid,
  posting_id uuid,                         -- the movement that it was compared with
  recipe text,
  entries jsonb,                           -- [[account, place, units]]
  booked_at timestamptz,
  booked_by text,
  note text,
  content_id uuid,                         -- of one without id and reference: what equal ones say, too
  equal_no int,                            -- which of the equal ones of the file it is
  PRIMARY KEY (merchant_id, run_id, row_no),
  FOREIGN KEY (merchant_id, run_id) REFERENCES reconciliation_runs,
  CHECK ((booked_at IS NULL) = (booked_by IS NULL)),
  CHECK (booked_at IS NULL OR recipe IS NOT NULL)
);
CREATE INDEX reconciliation_lines_outcome ON reconciliation_lines (merchant_id, run_id, outcome, row_no);
CREATE INDEX reconciliation_lines_equal ON reconciliation_lines (merchant_id, content_id)
  WHERE content_id IS NOT NULL;
CREATE INDEX reconciliation_lines_noted ON reconciliation_lines (merchant_id, order_id) WHERE note <> '';

-- The first period that its merchant was not told of; the row is the lock of whoever tells.
CREATE TABLE reconciliation_clocks (
  merchant_id uuid PRIMARY KEY REFERENCES merchants,
  period_from timestamptz NOT NULL
);

-- What merchants are told of each period: its movements are then read by its dates.
CREATE TABLE reconciliation_reports (
  merchant_id uuid NOT NULL,
  report_id uuid NOT NULL,
  period_from timestamptz NOT NULL,
  period_to timestamptz NOT NULL,
  lines int NOT NULL,
  differences int NOT NULL,
  created_at timestamptz NOT NULL,         -- business time
  PRIMARY KEY (merchant_id, report_id),
  UNIQUE (merchant_id, period_to)
);

-- Movements of a period, in the order that they were booked in.
CREATE INDEX postings_booked ON postings (merchant_id, business_at);
