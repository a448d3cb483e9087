-- Past attempts from files that processors and billing systems export: they teach the engine, and are no sends of ours.
CREATE TABLE imports (
  merchant_id uuid NOT NULL,
  import_id uuid NOT NULL,
  content_mac bytea NOT NULL,              -- of the unpacked bytes, the profile with its version, and the answers
  profile text NOT NULL,
  answers jsonb NOT NULL,                  -- what the file did not say itself: zone, order of dates, decimal sign
  file_name text NOT NULL,
  state text NOT NULL CHECK (state IN ('received', 'working', 'completed', 'stopped')),
  row_count int NOT NULL DEFAULT 0,
  attempt_count int NOT NULL DEFAULT 0,    -- rows that are attempts
  bad_count int NOT NULL DEFAULT 0,
  done_count int NOT NULL DEFAULT 0,       -- of the attempts those that were taken over
  new_count int NOT NULL DEFAULT 0,
  changed_count int NOT NULL DEFAULT 0,
  done_to text[] NOT NULL DEFAULT '{"",""}',  -- provider and id of the last attempt that was taken over
  report jsonb NOT NULL DEFAULT '{}',      -- counts by state and reason, edges
  actor text NOT NULL,
  request_id text NOT NULL,
  received_at timestamptz NOT NULL,        -- wall time, as the others
  stop_requested_at timestamptz,
  stop_requested_by text,
  finished_at timestamptz,
  notes jsonb NOT NULL DEFAULT '[]',       -- what whoever reads it should know of the file
  counted_count int NOT NULL DEFAULT 0,    -- of the attempts those that count as sends of cards that we hold
  PRIMARY KEY (merchant_id, import_id),
  CHECK ((finished_at IS NOT NULL) = (state IN ('completed', 'stopped'))),
  CHECK (new_count + changed_count <= done_count AND done_count <= attempt_count),
  CHECK (state <> 'completed' OR done_count = attempt_count)
);
-- One that was stopped may be sent again.
CREATE UNIQUE INDEX imports_content ON imports (merchant_id, content_mac) WHERE state <> 'stopped';
CREATE INDEX imports_unfinished ON imports (merchant_id, import_id) WHERE state IN ('received', 'working');

-- Lines from which nothing was taken; of what stood in them nothing is kept.
CREATE TABLE import_lines (
  merchant_id uuid NOT NULL,
  import_id uuid NOT NULL,
  line_no int NOT NULL,
  code text NOT NULL,
  why text NOT NULL,
  PRIMARY KEY (merchant_id, import_id, line_no)
);

-- Attempts while they wait to be taken over, by their ids: rows about one attempt stand beside each other.
CREATE TABLE import_rows (
  merchant_id uuid NOT NULL,
  import_id uuid NOT NULL,
  provider text NOT NULL,
  ref text COLLATE "C" NOT NULL,
  row_no int NOT NULL,
  payment text NOT NULL,
  guessed boolean NOT NULL,
  payer_id uuid,
  card uuid,
  bin text NOT NULL,
  last4 text NOT NULL,
  scheme text NOT NULL,
  funding text NOT NULL,
  country text NOT NULL,
  at timestamptz NOT NULL,
  units bigint NOT NULL,
  asset text NOT NULL,
  state text NOT NULL,
  stage smallint NOT NULL,
  failed_later boolean NOT NULL,
  source text NOT NULL,
  scheme_code text NOT NULL,
  advice_code text NOT NULL,
  processor_code text NOT NULL,
  phrase text NOT NULL,
  attempt_no smallint,
  utc_offset smallint,
  propensity double precision,
  modified_at timestamptz,
  card_id uuid,                            -- as in imported_attempts, the next three too
  send_id uuid,
  acceptor_id text,
  initiator text,
  PRIMARY KEY (merchant_id, import_id, provider, ref, row_no)
);

-- One line an attempt, whichever files it came in. It holds no name, no address and no card number: customer and card
-- are keyed hashes.
CREATE TABLE imported_attempts (
  merchant_id uuid NOT NULL,
  provider text NOT NULL,
  ref text COLLATE "C" NOT NULL,           -- the provider's own id of it
  import_id uuid NOT NULL,                 -- that brought or changed it last
  row_no int NOT NULL,                     -- there
  payment text NOT NULL,                   -- what links attempts of one payment
  guessed boolean NOT NULL,                -- no link was told: put together by customer, card and amount
  payer_id uuid,
  card uuid,
  bin text NOT NULL,
  last4 text NOT NULL,
  scheme text NOT NULL,
  funding text NOT NULL,
  country text NOT NULL,
  at timestamptz NOT NULL,
  units bigint NOT NULL,
  asset text NOT NULL,
  state text NOT NULL CHECK (state IN ('approved', 'declined', 'not_sent', 'unknown')),
  stage smallint NOT NULL CHECK (stage BETWEEN 0 AND 2),
  failed_later boolean NOT NULL,
  source text NOT NULL,                    -- whose processor_code it is
  scheme_code text NOT NULL,
  advice_code text NOT NULL,               -- empty: not told
  processor_code text NOT NULL,
  phrase text NOT NULL,                    -- of our list, that stood in a free text
  attempt_no smallint,
  utc_offset smallint,                     -- minutes, of the card holder
  propensity double precision,
  modified_at timestamptz,
  card_id uuid,                            -- of the vault, where the file names a card that we hold; gone with its customer
  send_id uuid,                            -- then: the send that it counts as, once and for all
  acceptor_id text,
  initiator text,
  counted text CONSTRAINT imported_attempts_counted CHECK (counted IN ('waits', 'sent', 'known', 'old', 'more', 'not_sent')),
  known_as uuid,                           -- the send beside it that it is: of a send the nearest
  PRIMARY KEY (merchant_id, provider, ref),
  CONSTRAINT imported_attempts_known CHECK (known_as IS NULL OR counted = 'known')
);
CREATE UNIQUE INDEX imported_attempts_known_as ON imported_attempts (merchant_id, known_as) WHERE known_as IS NOT NULL;
CREATE INDEX imported_attempts_file ON imported_attempts (merchant_id, import_id, row_no, ref);
CREATE INDEX imported_attempts_sends ON imported_attempts (merchant_id, send_id) WHERE send_id IS NOT NULL;
CREATE INDEX imported_attempts_waiting ON imported_attempts (merchant_id, import_id, provider, ref)
  WHERE counted = 'waits';
CREATE INDEX imported_attempts_payer ON imported_attempts (merchant_id, payer_id) WHERE payer_id IS NOT NULL;
