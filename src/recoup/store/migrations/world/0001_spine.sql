CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;
-- One row: which world this database is, and its epoch (kept outside the database too).
CREATE TABLE world (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  name text NOT NULL,
  epoch bigint NOT NULL,
  created_at timestamptz NOT NULL
);

-- home: merchant
CREATE TABLE merchants (
  merchant_id uuid PRIMARY KEY,
  partner_id uuid,
  name text NOT NULL,
  version int NOT NULL DEFAULT 1,          -- rises with every change; intake is fenced by it
  offset_us bigint NOT NULL DEFAULT 0,     -- business time minus wall time
  mit_mode text NOT NULL DEFAULT 'by_expiry' CHECK (mit_mode IN ('by_expiry', 'managed', 'sync')),
  cit_web boolean NOT NULL DEFAULT false,
  cit_callcenter boolean NOT NULL DEFAULT false,
  mit boolean NOT NULL DEFAULT true,
  region text NOT NULL DEFAULT 'us',
  acceptor_id text NOT NULL,
  cit_unresolved text NOT NULL DEFAULT 'decline_and_reverse'
    CHECK (cit_unresolved IN ('decline_and_reverse', 'advance')),
  killed boolean NOT NULL DEFAULT false,   -- the kill switch: nothing is sent, orders wait on hold
  webhook_key bytea,                       -- sealed
  created_at timestamptz NOT NULL,
  capture_window_minutes int NOT NULL DEFAULT 10080 CHECK (capture_window_minutes BETWEEN 5 AND 10080),
  stablecoin_webhook_key bytea,            -- sealed
  sight jsonb NOT NULL DEFAULT '{}',       -- role -> how it sees customers' data, where an owner has chosen
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused')),  -- paused: takes no new orders
  -- an order that names a site or campaign which nobody made: taken for the default one, or refused
  unknown_sites text NOT NULL DEFAULT 'use_default' CHECK (unknown_sites IN ('use_default', 'refuse'))
);

CREATE TABLE sites (
  merchant_id uuid NOT NULL REFERENCES merchants,
  site_id uuid NOT NULL,
  url text NOT NULL,
  name text NOT NULL,
  descriptor text NOT NULL,
  cit_web boolean NOT NULL DEFAULT true,
  cit_callcenter boolean NOT NULL DEFAULT true,
  mit boolean NOT NULL DEFAULT true,
  is_default boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  support text NOT NULL DEFAULT '',        -- where its customers ask: an e-mail address, phone number or page
  retired_at timestamptz,                  -- takes no orders any more; those that it had keep it
  PRIMARY KEY (merchant_id, site_id)
);
CREATE UNIQUE INDEX sites_one_default ON sites (merchant_id) WHERE is_default;

-- home: directory. Who connects many merchants, with keys of its own, and which merchants are theirs.
CREATE TABLE partners (
  partner_id uuid PRIMARY KEY,
  name text NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused')),
  merchants_max int NOT NULL DEFAULT 1000 CHECK (merchants_max >= 0),
  calls_per_minute int NOT NULL DEFAULT 60000 CHECK (calls_per_minute > 0),  -- over all its merchants' keys and its own
  created_at timestamptz NOT NULL
);

CREATE TABLE partner_keys (
  app_key text PRIMARY KEY,
  key_id uuid NOT NULL,
  partner_id uuid NOT NULL REFERENCES partners,
  secret_hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL,
  retires_at timestamptz,                  -- it opens nothing from here on
  revoked_at timestamptz
);
CREATE INDEX partner_keys_partner ON partner_keys (partner_id);

-- `external_id`: how the partner calls its merchant. A merchant has one partner. The key of the request that made it,
-- and a keyed hash of what it asked for, tell a repeat from another wish.
CREATE TABLE partner_merchants (
  merchant_id uuid PRIMARY KEY,
  partner_id uuid NOT NULL REFERENCES partners,
  external_id text,
  request_key text,
  input_mac bytea,
  created_at timestamptz NOT NULL,
  UNIQUE (partner_id, external_id),
  UNIQUE (partner_id, request_key)
);
CREATE INDEX partner_merchants_partner ON partner_merchants (partner_id, merchant_id);

-- home: merchant. Credentials that wait for the person whom a link leads to them; gone once they were seen or are over.
CREATE TABLE handovers (
  merchant_id uuid NOT NULL REFERENCES merchants,
  handover_id uuid NOT NULL,
  sealed bytea,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  opened_at timestamptz,
  opened_request text,                     -- the id of the request that looked; its log line has the rest
  request_key text,                        -- the Idempotency-Key that asked for the keys
  request_mac bytea,                       -- and of what was asked
  old_keys_end timestamptz,                -- of those before, as it was answered
  PRIMARY KEY (merchant_id, handover_id),
  UNIQUE (merchant_id, request_key)
);

-- home: directory. Who did what at a partner: merchants made and changed, keys, quotas. Only added to.
CREATE TABLE partner_log (
  log_id uuid PRIMARY KEY,
  partner_id uuid NOT NULL REFERENCES partners,
  merchant_id uuid,
  happening text NOT NULL,
  about jsonb NOT NULL,                    -- no secret
  actor text NOT NULL,
  request_id text NOT NULL,
  at timestamptz NOT NULL
);
CREATE INDEX partner_log_partner ON partner_log (partner_id, at DESC, log_id DESC);
CREATE INDEX partner_log_merchant ON partner_log (merchant_id, at DESC) WHERE merchant_id IS NOT NULL;

-- home: merchant. What the operator keeps of an approved order. A term is never changed: a later one takes its place.
CREATE TABLE fee_terms (
  merchant_id uuid NOT NULL REFERENCES merchants,
  term_id uuid NOT NULL,
  site_id uuid,                            -- null = every site; so with the next two
  order_type text CHECK (order_type IN ('CIT', 'MIT', 'STABLE')),
  currency text,
  basis_points int NOT NULL DEFAULT 0 CHECK (basis_points BETWEEN 0 AND 10000),
  fixed_units bigint NOT NULL DEFAULT 0 CHECK (fixed_units >= 0),
  minimum_units bigint NOT NULL DEFAULT 0 CHECK (minimum_units >= 0),
  refund text NOT NULL DEFAULT 'keep' CHECK (refund IN ('keep', 'pro_rata', 'full')),
  ended boolean NOT NULL DEFAULT false,    -- from its date on the scope has no term of its own
  valid_from timestamptz NOT NULL,         -- business time
  actor text NOT NULL,
  note text NOT NULL DEFAULT '',
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, term_id),
  FOREIGN KEY (merchant_id, site_id) REFERENCES sites,
  CHECK (currency IS NOT NULL OR fixed_units = 0 AND minimum_units = 0)
);

-- home: merchant. Who switched which kind of orders on or off, where and when. What was never switched stands as it was
-- made; the newest line of a switch says how it stands. `version` is the merchant's that the change made.
CREATE TABLE switch_changes (
  merchant_id uuid NOT NULL REFERENCES merchants,
  version int NOT NULL,
  level text NOT NULL CHECK (level IN ('merchant', 'site', 'campaign')),
  subject_id uuid NOT NULL,                -- the merchant's own id, the site's or the campaign's
  kind text NOT NULL CHECK (kind IN ('cit_web', 'cit_callcenter', 'mit')),
  is_on boolean NOT NULL,
  why text NOT NULL,
  actor text NOT NULL,
  request_id text NOT NULL,
  changed_at timestamptz NOT NULL,         -- wall time
  PRIMARY KEY (merchant_id, version, subject_id, kind),
  CHECK (level <> 'merchant' OR subject_id = merchant_id)
);
CREATE INDEX switch_changes_subject ON switch_changes (merchant_id, subject_id, kind, version DESC);
CREATE INDEX switch_changes_at ON switch_changes (merchant_id, changed_at DESC);

-- home: merchant. Campaigns under a website: orders name one by its key.
CREATE TABLE campaigns (
  merchant_id uuid NOT NULL REFERENCES merchants,
  campaign_id uuid NOT NULL,
  site_id uuid NOT NULL,
  key text NOT NULL,                       -- as orders name it; capital and small letters are one
  name text NOT NULL,
  descriptor text NOT NULL DEFAULT '',     -- empty: the site's
  cit_web boolean NOT NULL DEFAULT true,
  cit_callcenter boolean NOT NULL DEFAULT true,
  mit boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL,
  retired_at timestamptz,                  -- takes no orders any more; those that it had keep it
  PRIMARY KEY (merchant_id, campaign_id),
  UNIQUE (merchant_id, site_id, campaign_id),
  FOREIGN KEY (merchant_id, site_id) REFERENCES sites
);
CREATE UNIQUE INDEX campaigns_key ON campaigns (merchant_id, site_id, lower(key)) WHERE retired_at IS NULL;

-- home: directory. Small, replicated; the only uniques across merchants.
CREATE TABLE api_keys (
  app_key text PRIMARY KEY,
  key_id uuid NOT NULL,
  merchant_id uuid NOT NULL,
  secret_hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL,
  first_token_at timestamptz,              -- when somebody first signed in with it
  retires_at timestamptz,                  -- it opens nothing from here on; so below
  revoked_at timestamptz,
  made_by text NOT NULL DEFAULT 'operator:setup',  -- who, as the orders' log tells it; so below
  ended_by text
);
CREATE INDEX api_keys_merchant ON api_keys (merchant_id);

CREATE TABLE tokenization_keys (
  environment_key text PRIMARY KEY,
  merchant_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  retires_at timestamptz,
  revoked_at timestamptz,
  made_by text NOT NULL DEFAULT 'operator:setup',
  ended_by text
);
CREATE INDEX tokenization_keys_merchant ON tokenization_keys (merchant_id);

CREATE TABLE refresh_tokens (
  token_hash bytea PRIMARY KEY,
  app_key text NOT NULL,
  expires_at timestamptz NOT NULL
);

-- Which card a keyed hash of its number means. Keys rotate by adding rows; nothing else is keyed by a print.
CREATE TABLE card_prints (
  key_id text NOT NULL,
  print bytea NOT NULL,
  card_id uuid NOT NULL,
  PRIMARY KEY (key_id, print)
);

-- Keys that sign: the secret itself is needed to verify, so it is sealed, not hashed.
CREATE TABLE signing_keys (
  key_id text PRIMARY KEY,
  merchant_id uuid NOT NULL,
  secret bytea NOT NULL,                   -- sealed
  created_at timestamptz NOT NULL,
  retires_at timestamptz,
  revoked_at timestamptz,
  made_by text NOT NULL DEFAULT 'operator:setup',
  ended_by text
);
CREATE INDEX signing_keys_merchant ON signing_keys (merchant_id);

-- A signature works once. Buckets of five minutes; a crash empties both tables, and then `signatures_since` is written
-- anew: what was signed before that may have been used.
CREATE UNLOGGED TABLE seen_signatures (
  bucket bigint NOT NULL,
  key_id text NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (bucket, key_id, signature)
);

CREATE UNLOGGED TABLE signatures_since (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  since timestamptz NOT NULL
);
INSERT INTO signatures_since (since) VALUES ('epoch');

-- home: directory. Who wants to become a merchant: before there is one. `merchant_id` is the merchant that it becomes, if
-- it does, so that it cannot become two.
CREATE TABLE applications (
  application_id uuid PRIMARY KEY,
  owner_kind text NOT NULL CHECK (owner_kind IN ('partner', 'merchant')),
  owner_id uuid NOT NULL,                  -- who filled it in, and sees it besides the operator
  merchant_id uuid NOT NULL UNIQUE,
  status text NOT NULL
    CHECK (status IN ('DRAFT', 'SUBMITTED', 'APPROVED', 'DECLINED', 'CANCELLED', 'CONVERTED')),
  version int NOT NULL CHECK (version >= 1),  -- the number of its last log line
  form jsonb NOT NULL,                     -- what it says; holds personal data, and is nowhere repeated
  external_id text NOT NULL DEFAULT '',    -- the owner's own name for it
  reason text NOT NULL DEFAULT '',
  note text NOT NULL DEFAULT '',           -- the operator's word to the applicant
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,         -- wall time, as all of these
  changed_at timestamptz NOT NULL,
  submitted_at timestamptz,
  decided_at timestamptz,
  decided_by text,
  ended_at timestamptz,
  CHECK (status NOT IN ('APPROVED', 'DECLINED', 'CONVERTED') OR decided_at IS NOT NULL)
);
CREATE INDEX applications_owner ON applications (owner_kind, owner_id, application_id DESC);
CREATE UNIQUE INDEX applications_external ON applications (owner_kind, owner_id, external_id)
  WHERE external_id <> '' AND status NOT IN ('DECLINED', 'CANCELLED');
CREATE INDEX applications_desk ON applications (application_id) WHERE status = 'SUBMITTED';

-- Append only: what happened to an application, by whom. No personal data.
CREATE TABLE application_log (
  application_id uuid NOT NULL REFERENCES applications,
  seq int NOT NULL CHECK (seq >= 1),
  happening text NOT NULL,
  src text NOT NULL,
  dst text NOT NULL,
  reason text NOT NULL DEFAULT '',
  note text NOT NULL DEFAULT '',
  document_id uuid,
  actor text NOT NULL,
  request_id text NOT NULL,
  at timestamptz NOT NULL,
  prev_seq int GENERATED ALWAYS AS (nullif(seq - 1, 0)) STORED,
  PRIMARY KEY (application_id, seq),
  UNIQUE (application_id, seq, dst),
  FOREIGN KEY (application_id, prev_seq, src) REFERENCES application_log (application_id, seq, dst),
  CHECK ((seq = 1) = (src = 'NEW'))
);

-- Bytes are sealed; a document that is removed is gone.
CREATE TABLE application_documents (
  document_id uuid PRIMARY KEY,
  application_id uuid NOT NULL REFERENCES applications,
  kind text NOT NULL,
  name text NOT NULL,
  media_type text NOT NULL,                -- read from the bytes
  bytes int NOT NULL CHECK (bytes > 0),
  sha256 bytea NOT NULL,                   -- of what was sent
  sealed bytea NOT NULL,
  added_by text NOT NULL,
  added_at timestamptz NOT NULL
);
CREATE INDEX application_documents_of ON application_documents (application_id, document_id);

-- Whose events are a partner's too: those of its merchants, and of what it applied for that is none yet.
CREATE VIEW heard_by_partners AS
  SELECT merchant_id, partner_id FROM partner_merchants
  UNION ALL SELECT merchant_id, owner_id FROM applications WHERE owner_kind = 'partner' AND status <> 'CONVERTED';

-- home: merchant. A merchant asks to go live; the operator decides. One question at a time.
CREATE TABLE go_live_requests (
  merchant_id uuid NOT NULL REFERENCES merchants,
  request_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('asked', 'approved', 'refused', 'withdrawn')),
  kinds text[] NOT NULL,                   -- which kinds of orders shall go live
  conditions jsonb NOT NULL,               -- {condition: holds} as it stood when it was asked, then when it was decided
  note text NOT NULL DEFAULT '',
  asked_by text NOT NULL,
  asked_at timestamptz NOT NULL,           -- wall time
  decided_by text,
  decided_at timestamptz,
  opened_at timestamptz,                   -- when the live world had everything of an approved one
  PRIMARY KEY (merchant_id, request_id),
  CHECK ((state = 'asked') = (decided_at IS NULL))
);
CREATE INDEX go_live_waiting ON go_live_requests (merchant_id) WHERE state = 'approved' AND opened_at IS NULL;
CREATE UNIQUE INDEX go_live_one_open ON go_live_requests (merchant_id) WHERE state = 'asked';

-- home: merchant. The one gate for repeats.
CREATE TABLE requests (
  merchant_id uuid NOT NULL,
  operation text NOT NULL,
  key text NOT NULL,
  input_mac bytea NOT NULL,
  subject_id uuid,
  state text NOT NULL CHECK (state IN ('open', 'answered')),
  answer jsonb,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, operation, key),
  CHECK ((state = 'answered') = (answer IS NOT NULL))
);

CREATE TABLE order_refs (
  merchant_id uuid NOT NULL,
  door text NOT NULL,
  external_id text NOT NULL,
  generation int NOT NULL,
  order_id uuid NOT NULL,
  PRIMARY KEY (merchant_id, door, external_id, generation)
);

-- A row of the lifecycle. A domain, since PostgreSQL reads the text of a table's CHECK anew for each statement that writes
-- and for each plan that a foreign key's look-up makes; that of a domain once a connection.
CREATE DOMAIN lifecycle_row AS text CONSTRAINT order_log_lifecycle CHECK (VALUE IN (
  'authorised/attempt_approved/authorised',
  'authorised/attempt_declined/authorised',
  'authorised/attempt_not_sent/authorised',
  'authorised/attempt_sent/authorised',
  'authorised/attempt_unknown/authorised',
  'authorised/attempt_withheld/authorised',
  'authorised/cancelled/cancelled',
  'authorised/capture_asked/authorised',
  'authorised/capture_delayed/authorised',
  'authorised/capture_refused/authorised',
  'authorised/capture_window_ended/cancelled',
  'authorised/captured/completed',
  'authorised/dealt_with/authorised',
  'authorised/merchant_attempt/authorised',
  'authorised/notes_changed/authorised',
  'authorised/paid_elsewhere/cancelled',
  'authorised/paid_twice/authorised',
  'authorised/planned/authorised',
  'authorised/retries_resumed/authorised',
  'authorised/retries_stopped/authorised',
  'authorised/warned/authorised',
  'cancelled/approved_late/cancelled',
  'cancelled/attempt_approved/cancelled',
  'cancelled/attempt_declined/cancelled',
  'cancelled/attempt_not_sent/cancelled',
  'cancelled/attempt_unknown/cancelled',
  'cancelled/dealt_with/cancelled',
  'cancelled/dispute_answer_delayed/cancelled',
  'cancelled/dispute_answer_owed/cancelled',
  'cancelled/dispute_answer_refused/cancelled',
  'cancelled/dispute_answered/cancelled',
  'cancelled/dispute_continued/cancelled',
  'cancelled/dispute_inquiry/cancelled',
  'cancelled/dispute_lost/cancelled',
  'cancelled/dispute_opened/cancelled',
  'cancelled/dispute_warned/cancelled',
  'cancelled/dispute_won/cancelled',
  'cancelled/inquiry_closed/cancelled',
  'cancelled/merchant_attempt/cancelled',
  'cancelled/paid_late/cancelled',
  'cancelled/paid_twice/cancelled',
  'cancelled/reversal_by_hand_proposed/cancelled',
  'cancelled/reversal_delayed/cancelled',
  'cancelled/reversal_netted/cancelled',
  'cancelled/reversal_owed/cancelled',
  'cancelled/reversal_owed_again/cancelled',
  'cancelled/reversal_refused/cancelled',
  'cancelled/reversal_retried/cancelled',
  'cancelled/reversal_stuck/cancelled',
  'cancelled/reversed/cancelled',
  'cancelled/settled_by_hand/cancelled',
  'cancelled/void_delayed/cancelled',
  'cancelled/void_owed/cancelled',
  'cancelled/void_retried/cancelled',
  'cancelled/void_stuck/cancelled',
  'cancelled/voided/cancelled',
  'cancelled/warned/cancelled',
  'challenged/attempt_approved/challenged',
  'challenged/attempt_declined/challenged',
  'challenged/attempt_not_sent/challenged',
  'challenged/attempt_sent/challenged',
  'challenged/attempt_unknown/challenged',
  'challenged/attempt_withheld/challenged',
  'challenged/cancelled/cancelled',
  'challenged/card_replaced/challenged',
  'challenged/challenge_answered/processing',
  'challenged/challenge_failed/cancelled',
  'challenged/challenge_offered/challenged',
  'challenged/challenge_passed/challenged',
  'challenged/challenge_refused/challenged',
  'challenged/challenge_timed_out/cancelled',
  'challenged/challenge_tried/challenged',
  'challenged/dealt_with/challenged',
  'challenged/merchant_attempt/challenged',
  'challenged/notes_changed/challenged',
  'challenged/paid_elsewhere/cancelled',
  'challenged/paid_twice/challenged',
  'challenged/planned/challenged',
  'challenged/retries_resumed/challenged',
  'challenged/retries_stopped/challenged',
  'challenged/warned/challenged',
  'completed/attempt_approved/completed',
  'completed/attempt_declined/completed',
  'completed/attempt_not_sent/completed',
  'completed/attempt_sent/completed',
  'completed/attempt_unknown/completed',
  'completed/charge_planned/completed',
  'completed/charged/completed',
  'completed/dealt_with/completed',
  'completed/dispute_answer_delayed/completed',
  'completed/dispute_answer_owed/completed',
  'completed/dispute_answer_refused/completed',
  'completed/dispute_answered/completed',
  'completed/dispute_continued/completed',
  'completed/dispute_inquiry/completed',
  'completed/dispute_lost/completed',
  'completed/dispute_opened/completed',
  'completed/dispute_warned/completed',
  'completed/dispute_won/completed',
  'completed/inquiry_closed/completed',
  'completed/merchant_attempt/completed',
  'completed/paid_late/completed',
  'completed/paid_twice/completed',
  'completed/refund_asked/completed',
  'completed/refund_by_hand_proposed/completed',
  'completed/refund_delayed/completed',
  'completed/refund_done/completed',
  'completed/refund_netted/completed',
  'completed/refund_of_bad_debt/completed',
  'completed/refund_owed/completed',
  'completed/refund_refused/completed',
  'completed/refund_request_expired/completed',
  'completed/refund_request_refused/completed',
  'completed/refund_request_withdrawn/completed',
  'completed/refund_retried/completed',
  'completed/refund_sent/completed',
  'completed/refund_stuck/completed',
  'completed/reversal_by_hand_proposed/completed',
  'completed/reversal_delayed/completed',
  'completed/reversal_owed/completed',
  'completed/reversal_refused/completed',
  'completed/reversal_retried/completed',
  'completed/reversal_stuck/completed',
  'completed/reversed/completed',
  'completed/settled/completed',
  'completed/settled_by_hand/completed',
  'completed/settlement_delayed/completed',
  'completed/settlement_due/completed',
  'completed/settlement_replaced/completed',
  'completed/settlement_stuck/completed',
  'completed/uncollected/completed',
  'completed/warned/completed',
  'declined/approved_late/declined',
  'declined/attempt_approved/declined',
  'declined/attempt_declined/declined',
  'declined/attempt_not_sent/declined',
  'declined/attempt_unknown/declined',
  'declined/dealt_with/declined',
  'declined/dispute_answer_delayed/declined',
  'declined/dispute_answer_owed/declined',
  'declined/dispute_answer_refused/declined',
  'declined/dispute_answered/declined',
  'declined/dispute_continued/declined',
  'declined/dispute_inquiry/declined',
  'declined/dispute_lost/declined',
  'declined/dispute_opened/declined',
  'declined/dispute_warned/declined',
  'declined/dispute_won/declined',
  'declined/inquiry_closed/declined',
  'declined/merchant_attempt/declined',
  'declined/paid_late/declined',
  'declined/paid_twice/declined',
  'declined/reversal_by_hand_proposed/declined',
  'declined/reversal_delayed/declined',
  'declined/reversal_netted/declined',
  'declined/reversal_owed/declined',
  'declined/reversal_owed_again/declined',
  'declined/reversal_refused/declined',
  'declined/reversal_retried/declined',
  'declined/reversal_stuck/declined',
  'declined/reversed/declined',
  'declined/settled_by_hand/declined',
  'declined/void_delayed/declined',
  'declined/void_owed/declined',
  'declined/void_retried/declined',
  'declined/void_stuck/declined',
  'declined/voided/declined',
  'declined/warned/declined',
  'expired/approved_late/expired',
  'expired/attempt_approved/expired',
  'expired/attempt_declined/expired',
  'expired/attempt_not_sent/expired',
  'expired/attempt_unknown/expired',
  'expired/dealt_with/expired',
  'expired/dispute_answer_delayed/expired',
  'expired/dispute_answer_owed/expired',
  'expired/dispute_answer_refused/expired',
  'expired/dispute_answered/expired',
  'expired/dispute_continued/expired',
  'expired/dispute_inquiry/expired',
  'expired/dispute_lost/expired',
  'expired/dispute_opened/expired',
  'expired/dispute_warned/expired',
  'expired/dispute_won/expired',
  'expired/inquiry_closed/expired',
  'expired/merchant_attempt/expired',
  'expired/paid_late/expired',
  'expired/paid_twice/expired',
  'expired/reversal_by_hand_proposed/expired',
  'expired/reversal_delayed/expired',
  'expired/reversal_netted/expired',
  'expired/reversal_owed/expired',
  'expired/reversal_owed_again/expired',
  'expired/reversal_refused/expired',
  'expired/reversal_retried/expired',
  'expired/reversal_stuck/expired',
  'expired/reversed/expired',
  'expired/settled_by_hand/expired',
  'expired/void_delayed/expired',
  'expired/void_owed/expired',
  'expired/void_retried/expired',
  'expired/void_stuck/expired',
  'expired/voided/expired',
  'expired/warned/expired',
  'held/attempt_approved/held',
  'held/attempt_declined/held',
  'held/attempt_not_sent/held',
  'held/attempt_sent/held',
  'held/attempt_unknown/held',
  'held/attempt_withheld/held',
  'held/authorised/authorised',
  'held/broke/problem',
  'held/cancelled/cancelled',
  'held/card_replaced/held',
  'held/collected/completed',
  'held/dealt_with/held',
  'held/declined/declined',
  'held/expired/expired',
  'held/expiry_moved/held',
  'held/merchant_attempt/held',
  'held/notes_changed/held',
  'held/paid_elsewhere/cancelled',
  'held/paid_twice/held',
  'held/planned/held',
  'held/released/processing',
  'held/retries_resumed/held',
  'held/retries_stopped/held',
  'held/warned/held',
  'new/began/processing',
  'new/received/received',
  'problem/attempt_approved/problem',
  'problem/attempt_declined/problem',
  'problem/attempt_not_sent/problem',
  'problem/attempt_sent/problem',
  'problem/attempt_unknown/problem',
  'problem/attempt_withheld/problem',
  'problem/authorised/authorised',
  'problem/collected/completed',
  'problem/dealt_with/problem',
  'problem/declined/declined',
  'problem/expired/expired',
  'problem/expiry_moved/problem',
  'problem/mended/processing',
  'problem/merchant_attempt/problem',
  'problem/notes_changed/problem',
  'problem/paid_elsewhere/cancelled',
  'problem/paid_twice/problem',
  'problem/planned/problem',
  'problem/retries_resumed/problem',
  'problem/retries_stopped/problem',
  'problem/warned/problem',
  'processing/advanced/completed',
  'processing/attempt_approved/processing',
  'processing/attempt_declined/processing',
  'processing/attempt_not_sent/processing',
  'processing/attempt_sent/processing',
  'processing/attempt_unknown/processing',
  'processing/attempt_withheld/processing',
  'processing/authorised/authorised',
  'processing/broke/problem',
  'processing/cancelled/cancelled',
  'processing/card_replaced/processing',
  'processing/challenge_failed/cancelled',
  'processing/challenge_offered/processing',
  'processing/challenge_passed/processing',
  'processing/challenge_refused/processing',
  'processing/challenge_tried/processing',
  'processing/challenged/challenged',
  'processing/collected/completed',
  'processing/dealt_with/processing',
  'processing/declined/declined',
  'processing/expired/expired',
  'processing/expiry_moved/processing',
  'processing/held/held',
  'processing/merchant_attempt/processing',
  'processing/notes_changed/processing',
  'processing/paid_elsewhere/cancelled',
  'processing/paid_twice/processing',
  'processing/planned/processing',
  'processing/retries_resumed/processing',
  'processing/retries_stopped/processing',
  'processing/warned/processing',
  'received/attempt_approved/received',
  'received/attempt_declined/received',
  'received/attempt_not_sent/received',
  'received/attempt_unknown/received',
  'received/cancelled/cancelled',
  'received/dealt_with/received',
  'received/declined/declined',
  'received/expired/expired',
  'received/expiry_moved/received',
  'received/held/held',
  'received/merchant_attempt/received',
  'received/notes_changed/received',
  'received/paid_elsewhere/cancelled',
  'received/paid_twice/received',
  'received/retries_resumed/received',
  'received/retries_stopped/received',
  'received/started/processing',
  'received/warned/received'
));

-- home: merchant. One journal for steps and facts: seq = version = event number.
CREATE TABLE order_log (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  seq int NOT NULL CHECK (seq >= 1),
  happening text NOT NULL,
  src text NOT NULL,
  dst text NOT NULL,
  fact_kind text,
  fact_id uuid,
  body jsonb NOT NULL,                     -- no personal data, nothing that people typed: order_words has that
  actor text NOT NULL,
  request_id text NOT NULL,
  business_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  decision_id uuid,
  prev_seq int GENERATED ALWAYS AS (nullif(seq - 1, 0)) STORED,
  PRIMARY KEY (merchant_id, order_id, seq),
  UNIQUE (merchant_id, order_id, seq, dst),
  FOREIGN KEY (merchant_id, order_id, prev_seq, src) REFERENCES order_log (merchant_id, order_id, seq, dst),
  CHECK ((seq = 1) = (src = 'new')),
  CHECK ((src || '/' || happening || '/' || dst)::lifecycle_row IS NOT NULL)
) PARTITION BY RANGE (order_id);
-- What people and keys did to orders, for the audit log; what followed from it is not among it.
CREATE INDEX order_log_acts ON order_log (merchant_id, recorded_at DESC) WHERE
  (happening IN ('cancelled', 'released', 'capture_asked', 'refund_owed', 'refund_retried', 'refund_done',
    'refund_refused', 'refund_by_hand_proposed', 'reversal_owed', 'reversal_retried', 'reversed',
    'reversal_by_hand_proposed', 'void_retried', 'settled_by_hand', 'settlement_replaced', 'card_replaced',
    'expiry_moved', 'retries_stopped', 'retries_resumed', 'notes_changed', 'dispute_answer_owed', 'refund_asked',
    'refund_request_refused', 'refund_request_withdrawn', 'dealt_with')
    OR happening = 'planned' AND body ->> 'verdict' = 'by_hand'
    OR happening = 'held' AND body ->> 'cause' IN ('by_operator', 'by_merchant'))
  AND (actor LIKE 'user:%' OR actor LIKE 'operator:%' OR actor LIKE 'api:%' OR actor LIKE 'partner:%');

-- What is so about an order from the start, and where its log says it is. A merchant may amend the card, the expiry, the
-- wish for attempts and its own notes while the order is open. An erasure takes the texts out of facts and metadata.
CREATE TABLE orders (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  stage text NOT NULL,
  version int NOT NULL,
  door text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('cit_web', 'cit_callcenter', 'mit_managed', 'mit_sync', 'stable')),
  external_id text NOT NULL,
  generation int NOT NULL,
  site_id uuid NOT NULL,
  campaign_id uuid,
  descriptor text NOT NULL,
  asset text NOT NULL,
  units bigint NOT NULL CHECK (units > 0),
  amount_text text NOT NULL,
  token_id uuid,
  card_id uuid,                            -- what the network limits count by
  pan_id uuid,                             -- which card number it is; differs from card_id for magic cards only
  transaction_id text,
  placed_at timestamptz NOT NULL,
  expires_at timestamptz,
  facts jsonb NOT NULL,
  cards_before uuid[] NOT NULL DEFAULT '{}',  -- the card_ids it had before another card took their place
  do_not_retry boolean NOT NULL DEFAULT false,
  metadata jsonb NOT NULL DEFAULT '{}',    -- the merchant's own notes
  PRIMARY KEY (merchant_id, order_id),
  FOREIGN KEY (merchant_id, order_id, version, stage) REFERENCES order_log (merchant_id, order_id, seq, dst),
  FOREIGN KEY (merchant_id, site_id) REFERENCES sites,
  FOREIGN KEY (merchant_id, site_id, campaign_id) REFERENCES campaigns (merchant_id, site_id, campaign_id)
);

-- What lists show: narrow and mutable.
CREATE TABLE order_heads (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  placed_at timestamptz NOT NULL,
  created_at timestamptz,
  status smallint NOT NULL,
  order_type text NOT NULL CHECK (order_type IN ('MIT', 'CIT', 'STABLE')),
  source text NOT NULL,
  door text NOT NULL,
  site_id uuid NOT NULL,
  asset text NOT NULL,
  units bigint NOT NULL,
  refunded_units bigint NOT NULL DEFAULT 0 CHECK (refunded_units BETWEEN 0 AND units),
  disputed boolean NOT NULL DEFAULT false,
  attempts int NOT NULL DEFAULT 0,
  expires_at timestamptz,
  next_attempt_at timestamptz,
  reason text,
  attention text,
  descriptor text NOT NULL DEFAULT '',
  campaign_id uuid,
  PRIMARY KEY (merchant_id, order_id)
) WITH (fillfactor = 85);
-- Rare currencies and statuses are worth their own plan.
ALTER TABLE order_heads ALTER COLUMN asset SET STATISTICS 1000, ALTER COLUMN status SET STATISTICS 1000,
  ALTER COLUMN attempts SET STATISTICS 1000;
CREATE INDEX order_heads_placed ON order_heads (merchant_id, placed_at DESC, order_id DESC);
CREATE INDEX order_heads_status ON order_heads (merchant_id, status, placed_at DESC, order_id DESC);
-- A site's or channel's list without a status is merged from its statuses, so that pairs with one are served too.
CREATE INDEX order_heads_site ON order_heads (merchant_id, site_id, status, placed_at DESC, order_id DESC);
CREATE INDEX order_heads_attention ON order_heads (merchant_id, placed_at DESC, order_id DESC)
  WHERE attention IS NOT NULL;
CREATE INDEX order_heads_refunded ON order_heads (merchant_id, placed_at DESC, order_id DESC)
  WHERE refunded_units > 0;
CREATE INDEX order_heads_channel
  ON order_heads (merchant_id, order_type, (source = 'callcenter'), status, placed_at DESC, order_id DESC);
CREATE INDEX order_heads_created ON order_heads (merchant_id, created_at DESC NULLS LAST, order_id DESC);
-- An amount's orders lie all over the table, and looking into each takes ten times as long as reading the index: it holds
-- what such a list is sorted by, and what narrows it further most often.
CREATE INDEX order_heads_units ON order_heads (merchant_id, units DESC, order_id DESC)
  INCLUDE (placed_at, created_at, status, asset, order_type, source, campaign_id);
CREATE INDEX order_heads_asset ON order_heads (merchant_id, asset, placed_at DESC, order_id DESC);
CREATE INDEX order_heads_source ON order_heads (merchant_id, source, placed_at DESC, order_id DESC);
CREATE INDEX order_heads_expires ON order_heads (merchant_id, expires_at, order_id);
-- What still may end by itself; what was tried often.
CREATE INDEX order_heads_ending ON order_heads (merchant_id, expires_at, order_id) WHERE status IN (0, 1, 3, 4, 5);
CREATE INDEX order_heads_tried ON order_heads (merchant_id, attempts);
CREATE INDEX order_heads_campaign ON order_heads (merchant_id, campaign_id, placed_at DESC, order_id DESC)
  WHERE campaign_id IS NOT NULL;
CREATE INDEX order_heads_descriptor ON order_heads (merchant_id, lower(descriptor), placed_at DESC, order_id DESC);

-- home: merchant. All personal data stands in payers and order_payer; order_search is derived from them. What people typed
-- beside orders, in which somebody may be named, goes with them: store/write/persons.py names each place.
CREATE TABLE payers (
  merchant_id uuid NOT NULL,
  payer_id uuid NOT NULL,                  -- keyed hash of the merchant's payer id, else of the e-mail
  email text,
  phone text,
  name text,
  external_id text,
  first_seen_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, payer_id)
);
CREATE INDEX payers_seen ON payers (merchant_id, first_seen_at DESC, payer_id DESC);
CREATE INDEX payers_email ON payers (merchant_id, lower(email)) WHERE email <> '';

CREATE TABLE order_payer (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  payer_id uuid,
  first_name text NOT NULL,
  last_name text NOT NULL,
  email text NOT NULL,
  phone text NOT NULL,
  ip text NOT NULL,
  billing jsonb,
  shipping jsonb,
  PRIMARY KEY (merchant_id, order_id)
);
-- How many orders somebody has, and which came last, is read from it alone.
CREATE INDEX order_payer_payer ON order_payer (merchant_id, payer_id, order_id) WHERE payer_id IS NOT NULL;
CREATE INDEX order_payer_email ON order_payer (merchant_id, lower(email) text_pattern_ops);

CREATE TABLE order_search (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  placed_at timestamptz NOT NULL,
  text text NOT NULL,                      -- lower case: name, e-mail, references, last four
  PRIMARY KEY (merchant_id, order_id)
);
CREATE INDEX order_search_trigrams ON order_search USING gin (merchant_id, text gin_trgm_ops);

-- home: merchant. What people write beside an order. What was written stays written; of who asks to be forgotten the text goes.
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

-- home: merchant. Files of the list of orders that the worker makes, for the person who asked for each. What was asked for,
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
  asked_at timestamptz NOT NULL,           -- wall time, as the others
  beat_at timestamptz,                     -- of the run that makes it, every second
  finished_at timestamptz,
  gone_at timestamptz,                     -- when the file goes, if it is ready
  PRIMARY KEY (merchant_id, export_id),
  CHECK ((finished_at IS NULL) = (state IN ('asked', 'working')))
);
CREATE INDEX exports_of ON exports (merchant_id, user_id, export_id);
CREATE INDEX exports_standing ON exports (merchant_id, gone_at) WHERE state IN ('asked', 'working', 'ready');

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
  asked_at timestamptz NOT NULL,           -- wall time, as the others
  stop_asked_at timestamptz,
  finished_at timestamptz,
  PRIMARY KEY (merchant_id, act_id),
  CHECK ((finished_at IS NULL) = (state = 'working')),
  CHECK (done_count + refused_count <= row_count)
);

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

-- home: merchant
CREATE TABLE decisions (
  merchant_id uuid NOT NULL,
  decision_id uuid NOT NULL,
  order_id uuid NOT NULL,
  at timestamptz NOT NULL,
  verdict text NOT NULL,
  features jsonb NOT NULL,
  plan jsonb NOT NULL,
  reasons jsonb NOT NULL,
  rules jsonb NOT NULL,
  alternatives jsonb NOT NULL,
  versions jsonb NOT NULL,                 -- decider, policy, knowledge, model
  PRIMARY KEY (merchant_id, decision_id)
) PARTITION BY RANGE (decision_id);

CREATE TABLE attempts (
  merchant_id uuid NOT NULL,
  attempt_id uuid NOT NULL,
  order_id uuid NOT NULL,
  attempt_no int NOT NULL CHECK (attempt_no >= 1),
  state text NOT NULL CHECK (state IN ('planned', 'open', 'approved', 'declined', 'unknown', 'not_sent')),
  ladder text NOT NULL,                    -- which kind of decline it answers
  due_at timestamptz NOT NULL,
  route text,
  units bigint NOT NULL,
  asset text NOT NULL,
  initiator text NOT NULL,
  sent_at timestamptz,                     -- business time given to the network
  send_before timestamptz,                 -- wall time; no first byte leaves later
  call_timeout_ms int,
  sends int NOT NULL DEFAULT 0,
  not_found int NOT NULL DEFAULT 0,
  if_late text CHECK (if_late IN ('keep', 'reverse')),
  reference text,
  network_transaction_id text,
  scheme_code text,
  advice_code text,
  processor_code text,
  klass text,
  code_reason text,
  latency_ms int,
  closed_at timestamptz,
  decision_id uuid,
  card_last4 text,                         -- of the card that was sent
  PRIMARY KEY (merchant_id, attempt_id),
  UNIQUE (merchant_id, order_id, attempt_no),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders
);
-- "What is this charge": by what a cardholder reads on a statement, over all merchants.
CREATE INDEX attempts_charged ON attempts (card_last4, units, asset, closed_at)
  WHERE state = 'approved' AND card_last4 IS NOT NULL;
-- Where a payment on a chain is looked for: its transaction's hash.
CREATE INDEX attempts_on_chain ON attempts (merchant_id, reference) WHERE ladder = 'payment';

-- What is told to the processor about a payment that it approved: money back, a hold's end, a capture.
CREATE TABLE refunds (
  merchant_id uuid NOT NULL,
  refund_id uuid NOT NULL,
  order_id uuid NOT NULL,
  refund_no int NOT NULL,
  kind text NOT NULL CHECK (kind IN ('refund', 'reversal', 'void', 'capture')),
  attempt_id uuid,
  state text NOT NULL CHECK (state IN ('owed', 'sent', 'netted', 'done', 'stuck', 'refused')),
  units bigint NOT NULL CHECK (units > 0),
  asset text NOT NULL,
  message text NOT NULL DEFAULT '',
  items jsonb NOT NULL DEFAULT '[]',
  input_mac bytea NOT NULL,
  tries int NOT NULL DEFAULT 0,
  send_before timestamptz,
  not_found int NOT NULL DEFAULT 0,
  reference text,
  processor_code text,
  business_at timestamptz NOT NULL,
  actor text NOT NULL,
  send_id uuid,                            -- what the processor knows it by, when it is not refund_id any more
  hand_note text,                          -- how somebody says that it was paid; another person confirms
  hand_actor text,
  approved_by text,                        -- the second person, where one had to agree
  PRIMARY KEY (merchant_id, refund_id),
  UNIQUE (merchant_id, order_id, refund_no),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders
);

CREATE INDEX refunds_at ON refunds (merchant_id, business_at);
CREATE INDEX refunds_under_way ON refunds (merchant_id, business_at) WHERE state IN ('owed', 'sent', 'stuck');

-- What only the customer can mend, asked on a page of ours.
CREATE TABLE challenges (
  merchant_id uuid NOT NULL,
  challenge_id uuid NOT NULL,
  order_id uuid NOT NULL,
  challenge_no int NOT NULL CHECK (challenge_no >= 1),
  state text NOT NULL CHECK (state IN ('presented', 'tried', 'passed', 'failed', 'ended')),
  asks text NOT NULL,                      -- confirm, code, address or card
  tries int NOT NULL DEFAULT 0,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, challenge_id),
  UNIQUE (merchant_id, order_id, challenge_no),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders
);

-- home: merchant. What people of a role may refund, by currency; no row: as much as an order allows.
CREATE TABLE refund_limits (
  merchant_id uuid NOT NULL REFERENCES merchants,
  role text NOT NULL CHECK (role IN ('owner', 'operations', 'analyst', 'developer')),
  asset text NOT NULL,
  refund_max_units bigint CHECK (refund_max_units >= 0),
  day_max_units bigint CHECK (day_max_units >= 0),       -- of one person, in a business day of UTC
  second_from_units bigint CHECK (second_from_units > 0), -- from this amount on a second person has to agree
  changed_at timestamptz NOT NULL,         -- wall time
  changed_by text NOT NULL,
  PRIMARY KEY (merchant_id, role, asset)
);

-- Who has refunded: locked after the order, so that a person's day is summed once however many of their refunds go at
-- the same time. The sum itself is the refunds'. What the operator's people do as somebody counts as theirs.
CREATE TABLE refund_people (
  merchant_id uuid NOT NULL REFERENCES merchants,
  person text NOT NULL,                    -- as the refund's actor, without who is behind them
  PRIMARY KEY (merchant_id, person)
);
CREATE INDEX refunds_of_person ON refunds (merchant_id, split_part(actor, ' by operator:', 1), business_at)
  WHERE kind = 'refund';

-- A refund that a second person has to agree to. Its id is the refund's when they do: it becomes one, once.
CREATE TABLE refund_requests (
  merchant_id uuid NOT NULL,
  request_id uuid NOT NULL,
  order_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'approved', 'refused', 'withdrawn', 'expired')),
  units bigint NOT NULL CHECK (units > 0),
  asset text NOT NULL,
  message text NOT NULL,
  items jsonb NOT NULL,
  input_mac bytea NOT NULL,
  asked_by text NOT NULL,
  asked_role text NOT NULL,
  asked_at timestamptz NOT NULL,           -- business time, as all of these
  expires_at timestamptz NOT NULL,
  decided_by text,
  decided_at timestamptz,
  reason text NOT NULL DEFAULT '',         -- of a refusal
  PRIMARY KEY (merchant_id, request_id),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders,
  CHECK ((state = 'waiting') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX refund_requests_waiting ON refund_requests (merchant_id, order_id) WHERE state = 'waiting';
CREATE INDEX refund_requests_order ON refund_requests (merchant_id, order_id);
CREATE INDEX refund_requests_desk ON refund_requests (merchant_id, asked_at) WHERE state = 'waiting';

-- home: merchant. Whose data somebody has revealed, and until when they see it.
CREATE TABLE reveals (
  merchant_id uuid NOT NULL REFERENCES merchants,
  user_id uuid NOT NULL,
  subject_id uuid NOT NULL,                -- an order, or a customer
  until timestamptz NOT NULL,              -- wall time
  PRIMARY KEY (merchant_id, user_id, subject_id)
);

-- home: merchant. Direct money on its way to the merchant's own wallet; one for each payment, and the failed ones that it replaced.
CREATE TABLE settlements (
  merchant_id uuid NOT NULL,
  settlement_id uuid NOT NULL,
  order_id uuid NOT NULL,
  attempt_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'broadcast', 'confirmed', 'stuck', 'failed')),
  units bigint NOT NULL CHECK (units > 0), -- net
  fee_units bigint NOT NULL CHECK (fee_units >= 0),
  asset text NOT NULL,
  to_address text NOT NULL,
  tx_hash text,
  tries int NOT NULL DEFAULT 0,
  send_before timestamptz,                 -- wall time; no first byte leaves later
  business_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, settlement_id),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders
);
CREATE INDEX settlements_order ON settlements (merchant_id, order_id);
CREATE UNIQUE INDEX settlements_payment ON settlements (merchant_id, attempt_id) WHERE state <> 'failed';
CREATE INDEX settlements_to_send ON settlements (merchant_id, asset) WHERE state NOT IN ('confirmed', 'failed');

-- home: merchant. What may be advanced before it is collected, by whom it was set. A limit of 0 advances nothing.
CREATE TABLE exposure_limits (
  merchant_id uuid NOT NULL REFERENCES merchants,
  asset text NOT NULL,
  limit_units bigint NOT NULL DEFAULT 0 CHECK (limit_units >= 0),
  order_max_units bigint NOT NULL DEFAULT 0 CHECK (order_max_units >= 0),
  customer_max_units bigint NOT NULL DEFAULT 0 CHECK (customer_max_units >= 0),
  chunk_units bigint NOT NULL DEFAULT 1 CHECK (chunk_units > 0),
  allowed_loss_basis_points int NOT NULL DEFAULT 0 CHECK (allowed_loss_basis_points BETWEEN 0 AND 10000),
  advance_on text NOT NULL DEFAULT 'unresolved' CHECK (advance_on IN ('unresolved', 'soft_declines', 'both')),
  drawn_units bigint NOT NULL DEFAULT 0 CHECK (drawn_units >= 0),  -- what it counts of the operator's limit
  version int NOT NULL DEFAULT 1,
  changed_at timestamptz NOT NULL,
  changed_by text NOT NULL,
  PRIMARY KEY (merchant_id, asset)
);

-- Chunks of the limit, moved here by the treasurer; an advance takes from one of them in one conditional update.
CREATE TABLE exposure_allotments (
  merchant_id uuid NOT NULL,
  asset text NOT NULL,
  slot smallint NOT NULL CHECK (slot BETWEEN 0 AND 7),
  allotted bigint NOT NULL DEFAULT 0,
  used bigint NOT NULL DEFAULT 0,
  reclaim bigint NOT NULL DEFAULT 0,       -- of what is used: does not become free again, for the limit fell
  PRIMARY KEY (merchant_id, asset, slot),
  CHECK (used BETWEEN 0 AND allotted),
  CHECK (reclaim BETWEEN 0 AND used)
);

-- What a payer has in use, and what a card number has: an advance counts for both, by payer_id and by pan_id.
CREATE TABLE customer_exposure (
  merchant_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  asset text NOT NULL,
  used bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
  PRIMARY KEY (merchant_id, customer_id, asset)
);

-- An order that was approved before its customer was charged, and what of it is still to be collected.
CREATE TABLE advances (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  payer_id uuid,                           -- where one is known
  pan_id uuid NOT NULL,                    -- the card number that it was approved with
  asset text NOT NULL,
  slot smallint NOT NULL,
  units bigint NOT NULL CHECK (units > 0),
  due_units bigint NOT NULL CHECK (due_units BETWEEN 0 AND units),
  state text NOT NULL CHECK (state IN ('due', 'charged', 'netted', 'uncollected')),
  policy text NOT NULL,                    -- version of the collection plan
  started_at timestamptz NOT NULL,         -- business time
  until timestamptz NOT NULL,              -- business time: what is not collected by then is bad debt
  PRIMARY KEY (merchant_id, order_id),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders,
  CHECK ((state = 'due') = (due_units > 0))
);
CREATE INDEX advances_due ON advances (merchant_id, asset, slot) WHERE due_units > 0;

-- home: directory. What the operator risks over all merchants, an asset.
CREATE TABLE operator_exposure (
  asset text PRIMARY KEY,
  limit_units bigint NOT NULL DEFAULT 0 CHECK (limit_units >= 0),
  drawn_units bigint NOT NULL DEFAULT 0 CHECK (drawn_units >= 0),
  changed_at timestamptz NOT NULL,
  changed_by text NOT NULL
);

-- home: merchant. What cardholders take back through their issuer: one row a case of the processor, whatever stages it
-- goes through. `round_id` is what the present round of money is booked under.
CREATE TABLE disputes (
  merchant_id uuid NOT NULL,
  dispute_id uuid NOT NULL,
  order_id uuid NOT NULL,
  dispute_no int NOT NULL CHECK (dispute_no >= 1),
  attempt_id uuid NOT NULL,                -- the charge
  route text NOT NULL,
  case_ref text NOT NULL,                  -- the processor's
  round_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('fraud', 'service', 'processing')),
  reason_code text NOT NULL,
  stage text NOT NULL CHECK (stage IN ('inquiry', 'first', 'pre_arbitration')),
  state text NOT NULL CHECK (state IN ('open', 'answered', 'won', 'lost', 'accepted', 'expired')),
  units bigint NOT NULL CHECK (units > 0),
  asset text NOT NULL,
  liable text NOT NULL CHECK (liable IN ('operator', 'merchant')),
  fee_units bigint NOT NULL DEFAULT 0 CHECK (fee_units >= 0),  -- what the merchant pays for it, by contract
  opened_at timestamptz NOT NULL,
  respond_by timestamptz,
  warned boolean NOT NULL DEFAULT false,
  closed_at timestamptz,
  answer text CHECK (answer IN ('contest', 'accept')),
  answer_id uuid,
  answer_state text CHECK (answer_state IN ('owed', 'sent', 'done', 'refused')),
  answer_tries int NOT NULL DEFAULT 0,
  answer_before timestamptz,               -- wall time; no first byte leaves later
  answer_code text,
  PRIMARY KEY (merchant_id, dispute_id),
  UNIQUE (merchant_id, route, case_ref),
  UNIQUE (merchant_id, order_id, dispute_no),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders,
  CHECK ((answer IS NULL) = (answer_state IS NULL))
);
CREATE INDEX disputes_desk ON disputes (merchant_id, respond_by, dispute_id) WHERE state = 'open';
CREATE INDEX disputes_newest ON disputes (merchant_id, opened_at DESC, dispute_id DESC);

-- What speaks for the merchant, in words and links. What was said stays said, until its cardholder asks to be forgotten.
CREATE TABLE dispute_notes (
  merchant_id uuid NOT NULL,
  note_id uuid NOT NULL,
  dispute_id uuid NOT NULL,
  text text NOT NULL,                      -- empty: erased
  actor text NOT NULL,
  business_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, note_id),
  FOREIGN KEY (merchant_id, dispute_id) REFERENCES disputes
);
CREATE INDEX dispute_notes_of ON dispute_notes (merchant_id, dispute_id, note_id);

-- By contract: who bears disputes about the service, and what a dispute costs the merchant. The row that was valid when
-- the charge was approved counts; asset '' holds for every currency.
CREATE TABLE dispute_terms (
  merchant_id uuid NOT NULL,
  terms_id uuid NOT NULL,
  asset text NOT NULL,
  valid_from timestamptz NOT NULL,
  service_borne_by text NOT NULL CHECK (service_borne_by IN ('operator', 'merchant')),
  fee_units bigint NOT NULL CHECK (fee_units >= 0),
  fee_borne_by text NOT NULL CHECK (fee_borne_by IN ('operator', 'merchant')),
  block_cards boolean NOT NULL,            -- a card that was disputed as fraud is not charged again
  actor text NOT NULL,
  made_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, terms_id),
  UNIQUE (merchant_id, asset, valid_from),
  FOREIGN KEY (merchant_id) REFERENCES merchants,
  CHECK (fee_units = 0 OR asset <> '')
);

-- Every notice of a processor once, with what became of it. `merchant_id` as the notice says, whoever that is.
CREATE TABLE dispute_notices (
  merchant_id uuid NOT NULL,
  route text NOT NULL,
  notice_id text NOT NULL,
  state text NOT NULL CHECK (state IN ('applied', 'stale', 'unmatched', 'settled')),
  why text NOT NULL DEFAULT '',            -- of an unmatched one
  content jsonb NOT NULL,
  content_hash bytea NOT NULL,
  received_at timestamptz NOT NULL,
  tries int NOT NULL DEFAULT 1,
  PRIMARY KEY (merchant_id, route, notice_id)
);
CREATE INDEX dispute_notices_desk ON dispute_notices (merchant_id, received_at DESC) WHERE state = 'unmatched';

-- home: card. One row a card: the lock of the network gate.
CREATE TABLE cards (
  card_id uuid PRIMARY KEY,
  created_at timestamptz NOT NULL
);

-- Every send of a card, over all merchants: limits count rows, there are no counters.
CREATE TABLE network_sends (
  card_id uuid NOT NULL REFERENCES cards,
  send_id uuid NOT NULL,
  acceptor_id text NOT NULL,
  scheme text NOT NULL,
  initiator text NOT NULL,
  units bigint NOT NULL,
  currency text NOT NULL,
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  at timestamptz NOT NULL,                 -- business time
  state text NOT NULL CHECK (state IN ('reserved', 'sent', 'not_sent')),
  declined boolean,
  scheme_code text,
  advice_code text,
  visa_category smallint,
  klass text,
  lasting boolean NOT NULL DEFAULT false,  -- its answer binds longer than any window
  PRIMARY KEY (card_id, send_id)
);
CREATE INDEX network_sends_window ON network_sends (card_id, at);

CREATE TABLE card_blocks (
  card_id uuid NOT NULL REFERENCES cards,
  block_id uuid NOT NULL,
  acceptor_id text,
  merchant_id uuid,
  reason text NOT NULL,
  until timestamptz,
  actor text NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (card_id, block_id)
);

-- home: merchant. AAD of each ciphertext = world, merchant, token: a row cannot be swapped.
CREATE TABLE vault (
  merchant_id uuid NOT NULL,
  token_id uuid NOT NULL,
  pan_id uuid NOT NULL,
  magic text,                              -- kind of a sandbox card that gets an identity of its own in each order
  scheme text NOT NULL,
  bin text NOT NULL,
  last4 text NOT NULL,
  exp_month smallint NOT NULL,
  exp_year smallint NOT NULL,
  kek_id text NOT NULL,
  wrapped_dek bytea NOT NULL,
  nonce bytea NOT NULL,
  ciphertext bytea NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, token_id)
);

-- Never in WAL or backups; gone at the first send or after an hour.
CREATE UNLOGGED TABLE cvv_once (
  merchant_id uuid NOT NULL,
  token_id uuid NOT NULL,
  nonce bytea NOT NULL,
  kek_id text NOT NULL,
  wrapped_dek bytea NOT NULL,
  ciphertext bytea NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, token_id)
);
CREATE INDEX cvv_once_age ON cvv_once (merchant_id, created_at);

-- home: merchant. Postings are inserts and lock nothing; pages close over what is committed.
CREATE TABLE postings (
  merchant_id uuid NOT NULL,
  posting_id uuid NOT NULL,
  source_kind text NOT NULL,
  source_id uuid NOT NULL,
  recipe text NOT NULL,
  order_id uuid,
  content_hash bytea NOT NULL,
  business_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  page_no bigint,                          -- stamped by the closer
  position int,
  PRIMARY KEY (merchant_id, posting_id),
  UNIQUE (merchant_id, source_kind, source_id, recipe)
);
CREATE INDEX postings_open ON postings (merchant_id, posting_id) WHERE page_no IS NULL;
CREATE INDEX postings_page ON postings (merchant_id, page_no, position) WHERE page_no IS NOT NULL;
CREATE INDEX postings_order ON postings (merchant_id, order_id);

CREATE TABLE entries (
  merchant_id uuid NOT NULL,
  posting_id uuid NOT NULL,
  line_no smallint NOT NULL,
  account text NOT NULL,
  asset text NOT NULL,
  place text NOT NULL,
  units bigint NOT NULL CHECK (units <> 0),
  available_at timestamptz NOT NULL,
  balance_after numeric(38, 0),            -- stamped by the closer
  PRIMARY KEY (merchant_id, posting_id, line_no),
  FOREIGN KEY (merchant_id, posting_id) REFERENCES postings
) WITH (fillfactor = 60);                  -- the closer's stamps stay on their page

CREATE TABLE pages (
  merchant_id uuid NOT NULL,
  page_no bigint NOT NULL,
  prev_root bytea NOT NULL,
  root bytea NOT NULL,
  postings int NOT NULL,
  sums jsonb NOT NULL,                     -- {account|asset|place: units}
  closed_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, page_no)
);

CREATE TABLE account_balances (
  merchant_id uuid NOT NULL,
  account text NOT NULL,
  asset text NOT NULL,
  place text NOT NULL,
  units numeric(38, 0) NOT NULL,
  page_no bigint NOT NULL,
  PRIMARY KEY (merchant_id, account, asset, place)
);

-- home: merchant. What a merchant is paid: by which terms, from which entries, to which account. Business time throughout.

-- A period is settled by the terms that are valid when it ends, the reserve of an order by those of its day; no terms
-- begin in the past. Rows are never changed.
CREATE TABLE settlement_terms (
  merchant_id uuid NOT NULL REFERENCES merchants,
  valid_from timestamptz NOT NULL,
  period text NOT NULL CHECK (period IN ('day', 'week', 'month')),
  anchor smallint NOT NULL,                -- day of the week (1 is Monday) or of the month on which a period begins
  delay_days smallint NOT NULL CHECK (delay_days BETWEEN 0 AND 90),
  reserve_basis_points int NOT NULL CHECK (reserve_basis_points BETWEEN 0 AND 10000),
  reserve_days smallint NOT NULL CHECK (reserve_days BETWEEN 0 AND 730),
  account_delay_days smallint NOT NULL CHECK (account_delay_days BETWEEN 0 AND 90),
  minimums jsonb NOT NULL,                 -- {asset: units}; a smaller payout is carried
  limits jsonb NOT NULL,                   -- {asset: units}; a larger adjustment needs a second person
  actor text NOT NULL,
  recorded_at timestamptz NOT NULL,        -- wall time
  PRIMARY KEY (merchant_id, valid_from),
  CHECK (anchor BETWEEN 1 AND CASE period WHEN 'day' THEN 1 WHEN 'week' THEN 7 ELSE 28 END)
);

-- Where a merchant's settlement stands; the row is the lock of whoever closes its batches.
CREATE TABLE settlement_clocks (
  merchant_id uuid PRIMARY KEY REFERENCES merchants,
  period_from timestamptz NOT NULL         -- of the first period that is not settled
);

-- A batch is closed when it exists. Units as the merchant sees them: + is in its favour; all of them add up to 0, the
-- payout counted as -.
CREATE TABLE settlement_batches (
  merchant_id uuid NOT NULL,
  batch_id uuid NOT NULL,
  asset text NOT NULL,
  period_from timestamptz NOT NULL,
  period_to timestamptz NOT NULL,          -- the cut-off: entries available before it, if no batch had them yet
  page_from bigint NOT NULL,               -- closed pages that were looked through
  page_to bigint NOT NULL,
  root bytea NOT NULL,                     -- of page_to
  open_from bigint NOT NULL,               -- the first page that has something left for a later batch
  lines int NOT NULL,
  amount_units bigint NOT NULL,
  fee_units bigint NOT NULL,
  dispute_fee_units bigint NOT NULL,
  dispute_units bigint NOT NULL,
  refund_units bigint NOT NULL,
  adjustment_units bigint NOT NULL,
  reserve_units bigint NOT NULL,           -- released less held
  carried_units bigint NOT NULL,           -- from the batch before less to the next
  payout_units bigint NOT NULL CHECK (payout_units >= 0),
  held_units bigint NOT NULL CHECK (held_units >= 0),
  release_at timestamptz,                  -- when held_units are the merchant's again
  closed_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, batch_id),
  UNIQUE (merchant_id, asset, period_to),
  CHECK (amount_units + fee_units + dispute_fee_units + dispute_units + refund_units + adjustment_units + reserve_units
    + carried_units = payout_units)
);
CREATE INDEX settlement_batches_newest ON settlement_batches (merchant_id, closed_at DESC, batch_id DESC);

-- An entry is settled at most once.
CREATE TABLE settlement_lines (
  merchant_id uuid NOT NULL,
  posting_id uuid NOT NULL,
  line_no smallint NOT NULL,
  batch_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN
    ('amount', 'fee', 'dispute_fee', 'dispute', 'refund', 'adjustment', 'reserve', 'carried', 'payout')),
  units bigint NOT NULL,
  PRIMARY KEY (merchant_id, posting_id, line_no),
  FOREIGN KEY (merchant_id, posting_id, line_no) REFERENCES entries,
  FOREIGN KEY (merchant_id, batch_id) REFERENCES settlement_batches
);
CREATE INDEX settlement_lines_batch ON settlement_lines (merchant_id, batch_id, posting_id, line_no);

CREATE TABLE adjustments (
  merchant_id uuid NOT NULL,
  adjustment_id uuid NOT NULL,
  asset text NOT NULL,
  units bigint NOT NULL CHECK (units <> 0), -- + in the merchant's favour
  note text NOT NULL CHECK (note <> ''),
  state text NOT NULL CHECK (state IN ('waiting', 'booked', 'refused')),
  made_by text NOT NULL,
  decided_by text,
  created_at timestamptz NOT NULL,
  decided_at timestamptz,
  PRIMARY KEY (merchant_id, adjustment_id),
  CHECK ((state = 'waiting') = (decided_at IS NULL))
);
CREATE INDEX adjustments_waiting ON adjustments (merchant_id, created_at) WHERE state = 'waiting';

-- The numbers are sealed; `masked` is what anybody sees. At most one account of a currency is active.
CREATE TABLE bank_accounts (
  merchant_id uuid NOT NULL,
  account_id uuid NOT NULL,
  asset text NOT NULL,
  scheme text NOT NULL CHECK (scheme IN ('us', 'iban')),
  holder text NOT NULL,
  masked text NOT NULL,
  sealed bytea NOT NULL,                   -- {"routing", "account"} or {"iban"}
  deposits bytea NOT NULL,                 -- sealed: the two amounts that prove who reads its statement
  state text NOT NULL CHECK (state IN ('added', 'verified', 'active', 'replaced', 'refused')),
  tries smallint NOT NULL DEFAULT 0,
  added_by text NOT NULL,
  added_at timestamptz NOT NULL,
  verified_at timestamptz,
  approved_by text,
  active_at timestamptz,                   -- payouts wait account_delay_days from here
  ended_at timestamptz,
  reason text,
  PRIMARY KEY (merchant_id, account_id),
  CHECK ((state IN ('active', 'replaced')) = (active_at IS NOT NULL))
);
CREATE UNIQUE INDEX bank_accounts_active ON bank_accounts (merchant_id, asset) WHERE state = 'active';

CREATE TABLE bank_payouts (
  merchant_id uuid NOT NULL,
  payout_id uuid NOT NULL,
  batch_id uuid NOT NULL,
  payout_no smallint NOT NULL,             -- counts the tries to pay a batch
  asset text NOT NULL,
  units bigint NOT NULL CHECK (units > 0),
  state text NOT NULL CHECK (state IN ('created', 'approved', 'sent', 'paid', 'returned')),
  version int NOT NULL,                    -- numbers its events
  reference text NOT NULL,                 -- what the bank statement shows
  requested_by text NOT NULL,
  approved_by text,
  account_id uuid,                         -- since its approval
  file_name text,
  file bytea,                              -- sealed; made once, so that it is the same whenever it is read
  file_hash bytea,
  tries int NOT NULL DEFAULT 0,
  reason text,
  created_at timestamptz NOT NULL,
  approved_at timestamptz,
  sent_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (merchant_id, payout_id),
  UNIQUE (merchant_id, batch_id, payout_no),
  FOREIGN KEY (merchant_id, batch_id) REFERENCES settlement_batches,
  FOREIGN KEY (merchant_id, account_id) REFERENCES bank_accounts,
  CHECK ((state = 'created') = (account_id IS NULL))
);
CREATE UNIQUE INDEX bank_payouts_one ON bank_payouts (merchant_id, batch_id) WHERE state <> 'returned';
CREATE INDEX bank_payouts_open ON bank_payouts (merchant_id, state) WHERE state IN ('created', 'approved', 'sent');
CREATE INDEX bank_payouts_reference ON bank_payouts (merchant_id, reference);

-- home: merchant. Statements of processors, banks and chains, each compared once with the ledger.
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
  told text NOT NULL,
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
  PRIMARY KEY (merchant_id, run_id, row_no),
  FOREIGN KEY (merchant_id, run_id) REFERENCES reconciliation_runs,
  CHECK ((booked_at IS NULL) = (booked_by IS NULL)),
  CHECK (booked_at IS NULL OR recipe IS NOT NULL)
);
CREATE INDEX reconciliation_lines_outcome ON reconciliation_lines (merchant_id, run_id, outcome, row_no);
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

-- home: merchant. What leaves a custodial balance. A wallet's row is the lock under which its payouts are decided; the
-- balance itself is the ledger's.
CREATE TABLE wallets (
  merchant_id uuid NOT NULL,
  asset text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, asset)
);

CREATE TABLE payouts (
  merchant_id uuid NOT NULL,
  payout_id uuid NOT NULL,
  asset text NOT NULL,
  units bigint NOT NULL CHECK (units > 0),
  state text NOT NULL
    CHECK (state IN ('requested', 'approved', 'executing', 'processing', 'paid', 'rejected', 'failed')),
  destination_type text NOT NULL CHECK (destination_type IN ('crypto', 'bank')),
  destination text NOT NULL,
  amount_text text NOT NULL,
  reference text,
  reason text,
  tries int NOT NULL DEFAULT 0,
  actor text NOT NULL,
  created_at timestamptz NOT NULL,         -- business time
  PRIMARY KEY (merchant_id, payout_id),
  FOREIGN KEY (merchant_id, asset) REFERENCES wallets
);

-- home: merchant. Events are rows of the transaction that made them; the closer numbers them in commit order.
CREATE TABLE outbox (
  merchant_id uuid NOT NULL,
  subject_id uuid NOT NULL,
  seq int NOT NULL,
  subject_kind text NOT NULL,
  event_id uuid NOT NULL,
  event text NOT NULL,
  body jsonb NOT NULL,
  business_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  fed boolean NOT NULL DEFAULT false,
  PRIMARY KEY (merchant_id, subject_id, seq)
) PARTITION BY RANGE (subject_id);
CREATE INDEX outbox_unfed ON outbox (merchant_id, recorded_at) WHERE NOT fed;

CREATE TABLE feed (
  merchant_id uuid NOT NULL,
  feed_no bigint NOT NULL,
  subject_id uuid NOT NULL,
  seq int NOT NULL,
  event_id uuid NOT NULL,
  event text NOT NULL,
  number bigint,                           -- counts the rescue API's events without gaps; null for the other API's
  PRIMARY KEY (merchant_id, feed_no),
  UNIQUE (merchant_id, subject_id, seq),
  UNIQUE (merchant_id, number)
);
CREATE INDEX feed_waiting ON feed (merchant_id, feed_no) WHERE event IN ('order.problem', 'order.onhold');

-- How far a merchant's feed and pages got; its row is the closer's lock.
CREATE TABLE closers (
  merchant_id uuid PRIMARY KEY,
  feed_no bigint NOT NULL DEFAULT 0,
  page_no bigint NOT NULL DEFAULT 0,
  root bytea NOT NULL DEFAULT '\x',
  number bigint NOT NULL DEFAULT 0
);

-- home: directory. Where events go: a merchant's addresses, and those of partners, who hear of all their merchants.
CREATE TABLE endpoints (
  endpoint_id uuid PRIMARY KEY,
  merchant_id uuid,
  partner_id uuid,
  url text NOT NULL,
  events text[] NOT NULL,
  format text NOT NULL CHECK (format IN ('rescue', 'rescue-text', 'standard', 'stablecoin')),
  own_key bytea,                           -- sealed; null = the merchant's key signs
  ordered boolean NOT NULL DEFAULT true,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled', 'deleted')),
  why text,
  created_at timestamptz NOT NULL,
  encrypt boolean NOT NULL DEFAULT false,  -- stablecoin format only
  door text NOT NULL DEFAULT 'rescue' CHECK (door IN ('rescue', 'stablecoin')),  -- which API manages it
  previous_key bytea,                      -- sealed; besides `own_key` until `previous_until`
  previous_until timestamptz,
  rotated_at timestamptz,
  switched_at timestamptz,                 -- when its receiver took what only the new key had signed
  failures int NOT NULL DEFAULT 0,         -- tries in a row that were not taken
  failing_since timestamptz,
  last_error text,
  opened_at timestamptz,                   -- the circuit breaker: since then there are probes only, one at a time
  probes int NOT NULL DEFAULT 0,
  probe_at timestamptz,                    -- wall time; null = the breaker is closed
  CHECK (num_nonnulls(merchant_id, partner_id) = 1),
  CHECK (partner_id IS NULL OR own_key IS NOT NULL),
  CHECK ((opened_at IS NULL) = (probe_at IS NULL)),
  CHECK ((previous_key IS NULL) = (previous_until IS NULL))
);
CREATE INDEX endpoints_merchant ON endpoints (merchant_id);
CREATE INDEX endpoints_partner ON endpoints (partner_id);
CREATE UNIQUE INDEX endpoints_one_stablecoin ON endpoints (merchant_id)
  WHERE door = 'stablecoin' AND state <> 'deleted';
CREATE UNIQUE INDEX endpoints_one_url ON endpoints (coalesce(merchant_id, partner_id), url, (format = 'stablecoin'))
  WHERE door = 'rescue' AND state <> 'deleted';

-- home: merchant. The merchant's webhook key that was replaced, until it ends.
CREATE TABLE webhook_key_overlaps (
  merchant_id uuid PRIMARY KEY,
  previous_key bytea NOT NULL,             -- sealed
  previous_until timestamptz NOT NULL,
  rotated_at timestamptz NOT NULL
);

-- One endpoint x one subject (or one event, when unordered): the next event to deliver. While earlier events are sent
-- again, `next_seq` stands before `live_seq`, where it goes on.
CREATE TABLE lanes (
  merchant_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  lane_id uuid NOT NULL,                   -- the order's id, or the event's id for an unordered endpoint
  subject_id uuid NOT NULL,
  next_seq int NOT NULL,
  due_at timestamptz,                      -- wall time; null = nothing to deliver
  fails int NOT NULL DEFAULT 0,            -- of this event, that count for its schedule
  tries int NOT NULL DEFAULT 0,            -- of this event, probes of an open breaker among them
  lease_until timestamptz,
  replay_id uuid,
  live_seq int,
  PRIMARY KEY (merchant_id, endpoint_id, lane_id),
  CHECK ((replay_id IS NULL) = (live_seq IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX lanes_due ON lanes (endpoint_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lanes_resent ON lanes (endpoint_id) WHERE replay_id IS NOT NULL;

-- What shall be sent again: events of the feed from one number to another, and between two instants.
CREATE TABLE replays (
  merchant_id uuid NOT NULL,
  replay_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  key text NOT NULL,                       -- the caller's; a repeat is the same replay
  asked jsonb NOT NULL,
  feed_from bigint NOT NULL,
  feed_to bigint NOT NULL,
  at_from timestamptz,                     -- business time, included
  at_to timestamptz,                       -- business time, not included
  events text[] NOT NULL,
  done_to bigint NOT NULL,                 -- lanes are open for what stands up to here
  found int NOT NULL DEFAULT 0,
  actor text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, replay_id),
  UNIQUE (merchant_id, endpoint_id, key)
);
CREATE INDEX replays_endpoint ON replays (endpoint_id, created_at);

-- home: partner. The feed over all merchants of a partner, numbered anew without gaps; events of one merchant keep their
-- order. `partner_reached`: up to where each merchant's own feed is in it.
CREATE TABLE partner_closers (
  partner_id uuid PRIMARY KEY,
  number bigint NOT NULL DEFAULT 0
);
CREATE TABLE partner_reached (
  partner_id uuid NOT NULL,
  merchant_id uuid NOT NULL,
  number bigint NOT NULL,
  PRIMARY KEY (partner_id, merchant_id)
);
CREATE TABLE partner_feed (
  partner_id uuid NOT NULL,
  number bigint NOT NULL,
  merchant_id uuid NOT NULL,
  merchant_number bigint NOT NULL,
  PRIMARY KEY (partner_id, number),
  UNIQUE (partner_id, merchant_id, merchant_number)
);

-- home: merchant. What was tried, and what came of it.

CREATE TABLE delivery_tries (
  merchant_id uuid NOT NULL,
  try_id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  subject_id uuid NOT NULL,
  seq int NOT NULL,
  event_id uuid NOT NULL,
  try_no int NOT NULL,
  at timestamptz NOT NULL,
  status int,                              -- HTTP status; null when there was no answer
  error text,
  latency_ms int NOT NULL,
  answer text NOT NULL,
  result text NOT NULL CHECK (result IN ('delivered', 'failed', 'parked', 'disabled')),
  sample text,                             -- the event's name, of a sample that was sent on demand
  resent boolean NOT NULL DEFAULT false,   -- a person asked for the event again
  PRIMARY KEY (merchant_id, try_id)
) PARTITION BY RANGE (try_id);
CREATE INDEX delivery_tries_subject ON delivery_tries (merchant_id, subject_id, seq);
CREATE INDEX delivery_tries_endpoint ON delivery_tries (endpoint_id, try_id DESC);

-- home: merchant. Mail to payers: which notices a merchant wants, and each one that is owed. Who gets it stands with the
-- order's payer, and is read when it is sent.
CREATE TABLE notice_settings (
  merchant_id uuid NOT NULL REFERENCES merchants,
  notice text NOT NULL,
  enabled boolean NOT NULL,
  actor text NOT NULL,
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, notice)
);

CREATE TABLE mails (
  merchant_id uuid NOT NULL,
  mail_id uuid NOT NULL,                   -- the Message-ID is made of it
  order_id uuid NOT NULL,
  notice text NOT NULL,
  about uuid NOT NULL,                     -- the refund, attempt or challenge; else the order
  state text NOT NULL CHECK (state IN ('owed', 'sent', 'refused', 'given_up', 'no_address')),
  units bigint NOT NULL,
  tries int NOT NULL DEFAULT 0,
  why text NOT NULL DEFAULT '',
  business_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, mail_id),
  UNIQUE (merchant_id, order_id, notice, about),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders
);
CREATE INDEX mails_newest ON mails (merchant_id, mail_id DESC);

-- home: merchant. What the people of a merchant should hear of, once each. Who they are, and who was told, stands with the
-- people; due work `alert` carries it there.
CREATE TABLE alerts (
  merchant_id uuid NOT NULL,
  alert_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN
    ('orders', 'dispute', 'deadline', 'payout', 'settlement', 'webhook', 'go_live',
     'export', 'rate')),
  about uuid NOT NULL,                     -- the order, dispute, payout, batch, endpoint, request or merchant
  step bigint NOT NULL,                    -- tells what is said about the same thing apart
  facts jsonb NOT NULL,                    -- ids and amounts; no personal data
  user_id uuid,                            -- nobody else hears of it; null: all who may
  created_at timestamptz NOT NULL,         -- wall time
  PRIMARY KEY (merchant_id, alert_id),
  UNIQUE (merchant_id, kind, about, step)
);

-- home: merchant. When a merchant's rescue rate was looked at, and since when it is known to have fallen.
CREATE TABLE rescue_watches (
  merchant_id uuid PRIMARY KEY,
  checked_at timestamptz NOT NULL,         -- wall time; taken before it is counted
  fell_at timestamptz                      -- wall time; null = not fallen, or it was back since
);

-- home: partner. What a partner's own people should hear of, once each. A worker tells them, and says so.
CREATE TABLE partner_alerts (
  partner_id uuid NOT NULL,
  alert_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('partner_webhook')),
  about uuid NOT NULL,                     -- the endpoint
  step bigint NOT NULL,                    -- tells what is said about the same thing apart
  facts jsonb NOT NULL,                    -- ids and a host; no personal data
  created_at timestamptz NOT NULL,         -- wall time
  told_at timestamptz,                     -- wall time; null = nobody may have been told yet
  PRIMARY KEY (partner_id, alert_id),
  UNIQUE (partner_id, kind, about, step)
);
CREATE INDEX partner_alerts_untold ON partner_alerts (created_at) WHERE told_at IS NULL;

-- home: merchant. One row per subject and kind: no duplicates. Business time unless `wall`.
CREATE TABLE due_work (
  merchant_id uuid NOT NULL,
  kind text NOT NULL,
  subject_id uuid NOT NULL,
  due_at timestamptz NOT NULL,
  wall boolean NOT NULL DEFAULT false,
  tries int NOT NULL DEFAULT 0,
  lease_until timestamptz,                 -- wall time; also "not before", for work that waits
  last_error text,
  PRIMARY KEY (merchant_id, kind, subject_id)
) WITH (fillfactor = 80);
CREATE INDEX due_work_due ON due_work (due_at);
CREATE INDEX due_work_merchant ON due_work (merchant_id, due_at);

-- home: merchant. Who moved a sandbox merchant's clock, and how far: business times, but for `asked_at`.
CREATE TABLE clock_moves (
  merchant_id uuid NOT NULL,
  move_id uuid NOT NULL,                   -- of whoever asks: what comes twice moves once
  asked_at timestamptz NOT NULL,           -- wall time
  actor text NOT NULL,
  request_id text NOT NULL,
  from_at timestamptz NOT NULL,
  target_at timestamptz NOT NULL,
  reached_at timestamptz,                  -- null: it is under way, or did not get there
  PRIMARY KEY (merchant_id, move_id)
);
CREATE INDEX clock_moves_at ON clock_moves (merchant_id, asked_at DESC);

-- home: merchant. Calls to the APIs with a key of the merchant's, forms that its people sent, and pages that they were
-- refused: how each was answered. No body, no header, no secret; ids in paths stand as their names. Partitioned by day.
CREATE TABLE api_calls (
  merchant_id uuid NOT NULL,
  call_id uuid NOT NULL,
  at timestamptz NOT NULL,                 -- wall time of the answer
  request_id text NOT NULL,
  key_id text NOT NULL,                    -- the key's public half, or `user:` and who
  method text NOT NULL,
  path text NOT NULL,
  status int NOT NULL,
  code text,                               -- of the Problem, in our own words; null when there was none
  ms int NOT NULL,
  place text NOT NULL DEFAULT '',          -- the network that it came from: never the whole address
  PRIMARY KEY (merchant_id, call_id)
) PARTITION BY RANGE (call_id);
CREATE INDEX api_calls_request ON api_calls (merchant_id, request_id);

-- How many calls were answered and not written, because more came at once than is kept.
CREATE TABLE api_call_gaps (
  merchant_id uuid NOT NULL,
  gap_id uuid NOT NULL,
  at timestamptz NOT NULL,
  calls int NOT NULL,
  PRIMARY KEY (merchant_id, gap_id)
);

-- home: merchant. Who did what of which no other log tells: only added to. An act's line is written in its transaction.
-- No personal data but whose user id it was; no secret.
CREATE TABLE audit_lines (
  merchant_id uuid NOT NULL,
  line_id uuid NOT NULL,
  at timestamptz NOT NULL,                 -- wall time
  actor text NOT NULL,
  action text NOT NULL,                    -- `webhook.changed`: a kind of object, and what became of it
  subject_id text NOT NULL,                -- of that kind; empty where the merchant itself is meant
  facts jsonb NOT NULL,                    -- {what: value}, or {what: [old, new]}
  request_id text NOT NULL,
  PRIMARY KEY (merchant_id, line_id)
);
CREATE INDEX audit_lines_at ON audit_lines (merchant_id, at DESC, line_id DESC);
CREATE INDEX audit_lines_subject ON audit_lines (merchant_id, subject_id, at DESC) WHERE subject_id <> '';

-- home: merchant. One charge a cycle: the n-th falls due at anchor + n x interval.
CREATE TABLE subscriptions (
  merchant_id uuid NOT NULL,
  subscription_id uuid NOT NULL,
  version int NOT NULL,                    -- numbers its events
  state text NOT NULL CHECK (state IN ('active', 'paused', 'past_due', 'canceled', 'completed')),
  title text NOT NULL,
  customer_id uuid,                        -- who: payers
  asset text NOT NULL,
  units bigint NOT NULL CHECK (units > 0),
  amount_text text NOT NULL,
  channel text,
  interval_unit text NOT NULL CHECK (interval_unit IN ('day', 'week', 'month')),
  interval_count int NOT NULL CHECK (interval_count > 0),
  cycles_done int NOT NULL DEFAULT 0,
  total_cycles int NOT NULL DEFAULT 0,     -- 0: without end
  anchor timestamptz NOT NULL,
  next_charge_at timestamptz,
  ends_at timestamptz,
  last_order_id uuid,
  facts jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  skipped int NOT NULL DEFAULT 0,          -- cycles that passed while it was paused
  PRIMARY KEY (merchant_id, subscription_id)
);
CREATE INDEX subscriptions_newest ON subscriptions (merchant_id, created_at DESC, subscription_id DESC);

-- home: merchant. A copy of each transaction the merchant processed; learning data, and evidence for the gate.
CREATE TABLE transmissions (
  merchant_id uuid NOT NULL,
  transmit_id uuid NOT NULL,
  external_id text NOT NULL,
  transaction_id text,
  is_declined boolean NOT NULL,
  is_mit boolean NOT NULL,
  units bigint NOT NULL,
  asset text NOT NULL,
  code_source text,
  code text,
  bin text,
  last4 text,
  payer_id uuid,
  card_id uuid,
  transacted_at timestamptz,
  received_at timestamptz NOT NULL,
  facts jsonb NOT NULL,                    -- no personal data
  outcome jsonb NOT NULL DEFAULT '{}',     -- what a later update told: outcome, refund, chargeback
  updated_at timestamptz,
  PRIMARY KEY (merchant_id, transmit_id)
) PARTITION BY RANGE (transmit_id);
CREATE INDEX transmissions_order ON transmissions (merchant_id, external_id);
CREATE INDEX transmissions_payer ON transmissions (merchant_id, payer_id, transmit_id) WHERE payer_id IS NOT NULL;

-- home: merchant. Files of many payments; each row goes the way of a single call, and is answered.
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
  stop_asked_at timestamptz,
  stop_asked_by text,
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

-- The application may not rewrite history: append-only tables take no UPDATE or DELETE, save the columns that the
-- closer stamps. Retention and migrations run as the owner.
GRANT USAGE ON SCHEMA public TO recoup_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO recoup_app;
GRANT INSERT ON ALL TABLES IN SCHEMA public TO recoup_app;
REVOKE INSERT ON world FROM recoup_app;
GRANT UPDATE ON merchants, sites, campaigns, api_keys, tokenization_keys, requests, order_heads, payers, order_payer, order_search,
  attempts, refunds, challenges, cards, network_sends, card_blocks, vault, account_balances, exposure_limits,
  exposure_allotments, customer_exposure, advances, operator_exposure, closers, endpoints, lanes, due_work,
  signing_keys, partners, partner_keys, partner_merchants, handovers, mails, notice_settings, settlements, wallets, payouts,
  subscriptions, settlement_clocks, adjustments, bank_accounts, bank_payouts, reconciliation_clocks, uploads, upload_rows, exports,
  rescue_watches
  TO recoup_app;
GRANT UPDATE (stage, version, token_id, card_id, pan_id, expires_at, cards_before, do_not_retry, metadata, facts) ON orders
  TO recoup_app;
GRANT UPDATE (note, state, said, done_count, refused_count, stop_asked_at, finished_at) ON bulk_acts TO recoup_app;
GRANT UPDATE (state, answer) ON bulk_act_rows TO recoup_app;
GRANT UPDATE (text) ON order_notes, order_words, dispute_notes TO recoup_app;
GRANT UPDATE (answer) ON delivery_tries TO recoup_app;
GRANT UPDATE (lifted_by, lifted_at) ON blocks TO recoup_app;
GRANT UPDATE (page_no, position) ON postings TO recoup_app;
GRANT UPDATE (balance_after) ON entries TO recoup_app;
GRANT UPDATE (fed) ON outbox TO recoup_app;
GRANT UPDATE (outcome, updated_at) ON transmissions TO recoup_app;
GRANT UPDATE (lines, counts, notes, period_from, period_to) ON reconciliation_runs TO recoup_app;
GRANT UPDATE (booked_at, booked_by, note) ON reconciliation_lines TO recoup_app;
GRANT UPDATE ON disputes, dispute_notices TO recoup_app;
GRANT DELETE ON due_work, lanes, cvv_once, refresh_tokens, seen_signatures TO recoup_app;
GRANT UPDATE, DELETE ON webhook_key_overlaps TO recoup_app;
GRANT UPDATE ON replays, partner_closers, partner_reached TO recoup_app;
GRANT UPDATE ON applications, go_live_requests TO recoup_app;
GRANT UPDATE ON refund_limits, refund_people, refund_requests, reveals TO recoup_app;
GRANT DELETE ON application_documents TO recoup_app;
GRANT UPDATE (told_at) ON partner_alerts TO recoup_app;
GRANT UPDATE (reached_at) ON clock_moves TO recoup_app;
