CREATE EXTENSION IF NOT EXISTS pg_trgm;  -- before the cell's schema: extensions go to public
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- The homes (`store/homes.py`). What names no schema is a cell's: its connection says cell, hub, directory, public. An
-- administrator makes them for an owner who may not.
DO $$
DECLARE
  home text;
BEGIN
  FOREACH home IN ARRAY ARRAY['cell', 'hub', 'directory'] LOOP
    IF to_regnamespace(home) IS NULL THEN
      EXECUTE format('CREATE SCHEMA %I', home);
    END IF;
  END LOOP;
END $$;

-- One row: which world this database is, and how far it got. Each running process counts `beat` on, and keeps the
-- highest (epoch, beat) that it saw outside this database: one that knows less was restored (flows/standing.py). `epoch`
-- is the first; `epochs` has those that followed.
CREATE TABLE directory.world (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  name text NOT NULL,
  epoch bigint NOT NULL,
  created_at timestamptz NOT NULL,
  beat bigint NOT NULL DEFAULT 0,
  beat_at timestamptz
);

-- The epochs that `recoup recover` began: what happened from `lost_from` to `lost_to` no row may know. Wall time.
CREATE TABLE directory.epochs (
  epoch bigint PRIMARY KEY,
  lost_from timestamptz NOT NULL,
  lost_to timestamptz NOT NULL,
  asks_first_until timestamptz NOT NULL,   -- until then new messages are first asked for by their keys
  feed bigint NOT NULL,                    -- feeds went on after this number, where they were not so far
  begun_at timestamptz NOT NULL,
  begun_by text NOT NULL,
  CHECK (lost_from <= lost_to AND lost_to <= asks_first_until)
);

-- What the database itself needs done, by whichever worker takes it: partitions made ahead, records dropped in time.
CREATE TABLE directory.upkeep (
  task text PRIMARY KEY,
  lease_until timestamptz,                 -- somebody does it
  done_at timestamptz                      -- when it was last done
);

-- The keys that this database was written with: of each a check value that only the key itself gives, never the key.
CREATE TABLE directory.key_checks (
  purpose text NOT NULL,
  key_id text NOT NULL,
  value bytea NOT NULL,
  retiring boolean NOT NULL DEFAULT false, -- it is about to be forgotten: nothing needs it
  PRIMARY KEY (purpose, key_id)
);

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

-- Who connects many merchants, with keys of its own, and which merchants are theirs.
CREATE TABLE directory.partners (
  partner_id uuid PRIMARY KEY,
  name text NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused')),
  merchants_max int NOT NULL DEFAULT 1000 CHECK (merchants_max >= 0),
  calls_per_minute int NOT NULL DEFAULT 60000 CHECK (calls_per_minute > 0),  -- over all its merchants' keys and its own
  created_at timestamptz NOT NULL
);

CREATE TABLE directory.partner_keys (
  app_key text PRIMARY KEY,
  key_id uuid NOT NULL,
  partner_id uuid NOT NULL REFERENCES partners,
  secret_hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL,
  retires_at timestamptz,                  -- it opens nothing from here on
  revoked_at timestamptz,
  name text NOT NULL DEFAULT '',           -- what its people call it
  last_used_at timestamptz                 -- of a call that it opened, to the minute
);
CREATE INDEX partner_keys_partner ON partner_keys (partner_id);

-- `external_id`: how the partner calls its merchant. A merchant has one partner. The key of the request that made it,
-- and a keyed hash of what it asked for, tell a repeat from another wish.
CREATE TABLE directory.partner_merchants (
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

-- Credentials that wait for the person whom a link leads to them; gone once they were seen or are over.
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

-- Who did what at a partner: merchants made and changed, keys, quotas. Only added to.
CREATE TABLE directory.partner_log (
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

-- What the operator keeps of an approved order. A term is never changed: a later one takes its place.
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
  business_at timestamptz NOT NULL,        -- by the merchant's clock, when it was set
  PRIMARY KEY (merchant_id, term_id),
  FOREIGN KEY (merchant_id, site_id) REFERENCES sites,
  CHECK (currency IS NOT NULL OR fixed_units = 0 AND minimum_units = 0)
);

-- Who switched which kind of orders on or off, where and when. What was never switched stands as it was
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

-- While one stands nothing that moves money leaves: no charge, capture, refund, void, payout or transfer.
CREATE TABLE directory.sending_stops (
  stop_id uuid PRIMARY KEY,
  why text NOT NULL,
  actor text NOT NULL,
  stopped_at timestamptz NOT NULL,         -- wall time, as below
  ended_by text,
  ended_at timestamptz,
  CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX sending_stops_now ON directory.sending_stops ((true)) WHERE ended_at IS NULL;

-- What `recoup live check` remembers: `opened`, `waived NAME`, `route NAME` (as which configuration it passed), `keys`
-- (which of them a copy held), `metrics read`.
CREATE TABLE directory.live_marks (
  name text PRIMARY KEY,
  mark text NOT NULL,
  actor text NOT NULL,
  marked_at timestamptz NOT NULL           -- wall time
);

-- Campaigns under a website: orders name one by its key.
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

-- Small, replicated; the only uniques across merchants.
CREATE TABLE directory.api_keys (
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
  ended_by text,
  name text NOT NULL DEFAULT '',           -- what its people call it; so below
  last_used_at timestamptz                 -- of a call that it opened, to the minute; so below
);
CREATE INDEX api_keys_merchant ON api_keys (merchant_id);

CREATE TABLE directory.tokenization_keys (
  environment_key text PRIMARY KEY,
  merchant_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  retires_at timestamptz,
  revoked_at timestamptz,
  made_by text NOT NULL DEFAULT 'operator:setup',
  ended_by text,
  name text NOT NULL DEFAULT '',
  last_used_at timestamptz
);
CREATE INDEX tokenization_keys_merchant ON tokenization_keys (merchant_id);

-- Keys that sign: the secret itself is needed to verify, so it is sealed, not hashed.
CREATE TABLE directory.signing_keys (
  key_id text PRIMARY KEY,
  merchant_id uuid NOT NULL,
  secret bytea NOT NULL,                   -- sealed
  created_at timestamptz NOT NULL,
  retires_at timestamptz,
  revoked_at timestamptz,
  made_by text NOT NULL DEFAULT 'operator:setup',
  ended_by text,
  name text NOT NULL DEFAULT '',
  last_used_at timestamptz
);
CREATE INDEX signing_keys_merchant ON signing_keys (merchant_id);

-- What was signed before may have been used: of a database that was restored without its signatures.
CREATE TABLE directory.signatures_since (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  since timestamptz NOT NULL
);
INSERT INTO signatures_since (since) VALUES ('epoch');

-- Who wants to become a merchant: before there is one. `merchant_id` is the merchant that it becomes, if
-- it does, so that it cannot become two.
CREATE TABLE directory.applications (
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
CREATE TABLE directory.application_log (
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
CREATE TABLE directory.application_documents (
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
CREATE VIEW directory.heard_by_partners AS
  SELECT merchant_id, partner_id FROM partner_merchants
  UNION ALL SELECT merchant_id, owner_id FROM applications WHERE owner_kind = 'partner' AND status <> 'CONVERTED';

-- A merchant asks to go live; the operator decides. One question at a time.
CREATE TABLE go_live_requests (
  merchant_id uuid NOT NULL REFERENCES merchants,
  request_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('asked', 'approved', 'refused', 'withdrawn')),
  kinds text[] NOT NULL,                   -- which kinds of orders shall go live
  conditions jsonb NOT NULL,               -- {condition: holds} as it stood when it was asked, then when it was decided
  note text NOT NULL DEFAULT '',
  requested_by text NOT NULL,
  requested_at timestamptz NOT NULL,           -- wall time
  decided_by text,
  decided_at timestamptz,
  opened_at timestamptz,                   -- when the live world had everything of an approved one
  PRIMARY KEY (merchant_id, request_id),
  CHECK ((state = 'asked') = (decided_at IS NULL))
);
CREATE INDEX go_live_waiting ON go_live_requests (merchant_id) WHERE state = 'approved' AND opened_at IS NULL;
CREATE UNIQUE INDEX go_live_one_open ON go_live_requests (merchant_id) WHERE state = 'asked';

-- Keys that end, for as long as something that was made with them might still be shown: access tokens.
CREATE TABLE directory.key_endings (
  key text PRIMARY KEY,                    -- app key, tokenization key, or id of a key that signs
  ends_at timestamptz,                     -- null: it has ended
  noted_at timestamptz NOT NULL DEFAULT now()
);

-- Processes that keep the endings in memory. Whoever ends a key waits until each has read it, or may not go by it any more.
CREATE TABLE directory.key_listeners (
  listener_id uuid PRIMARY KEY,
  heard_at timestamptz NOT NULL,           -- it goes by all that was committed before this
  lease_until timestamptz NOT NULL         -- until when at most it goes by what it read
);

-- The one gate for repeats.
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
-- What is forgotten one day, the oldest first.
CREATE INDEX requests_age ON requests (created_at)
  WHERE state = 'answered' AND operation NOT IN ('refund', 'charge', 'payout', 'subscription');

CREATE TABLE order_refs (
  merchant_id uuid NOT NULL,
  door text NOT NULL,
  external_id text NOT NULL,
  generation int NOT NULL,
  order_id uuid NOT NULL,
  PRIMARY KEY (merchant_id, door, external_id, generation)
);
-- By `referenceNumber`, the end of our id, which is what people read out to each other.
CREATE INDEX order_refs_tail ON order_refs (merchant_id, right(order_id::text, 8));

-- What a refresh token, each good once, was given for: a key of a merchant or a partner.
CREATE TABLE refresh_tokens (
  token_hash bytea PRIMARY KEY,
  app_key text NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX refresh_tokens_over ON refresh_tokens (expires_at);

-- A signature works once. Buckets of five minutes. A commit does not wait for the disk: what a call did is written after
-- its signature, so that a crash never keeps the former without the latter.
CREATE TABLE seen_signatures (
  bucket bigint NOT NULL,
  key_id text NOT NULL,
  signature bytea NOT NULL,
  merchant_id uuid NOT NULL,
  PRIMARY KEY (merchant_id, bucket, key_id, signature)
);
CREATE INDEX seen_signatures_bucket ON seen_signatures (bucket);

-- A row of the lifecycle. A domain, since PostgreSQL reads the text of a table's CHECK anew for each statement that writes
-- and for each plan that a foreign key's look-up makes; that of a domain once a connection.
CREATE DOMAIN lifecycle_row AS text CONSTRAINT order_log_lifecycle CHECK (VALUE IN (
  'authorised/attempt_approved/authorised',
  'authorised/attempt_declined/authorised',
  'authorised/attempt_not_sent/authorised',
  'authorised/attempt_sent/authorised',
  'authorised/attempt_unknown/authorised',
  'authorised/attempt_withheld/authorised',
  'authorised/came_back/authorised',
  'authorised/cancelled/cancelled',
  'authorised/capture_asked/authorised',
  'authorised/capture_delayed/authorised',
  'authorised/capture_ended/completed',
  'authorised/capture_refused/authorised',
  'authorised/capture_window_ended/cancelled',
  'authorised/captured/completed',
  'authorised/dealt_with/authorised',
  'authorised/early_warning/authorised',
  'authorised/mandate_renewed/authorised',
  'authorised/mandate_revoked/authorised',
  'authorised/merchant_attempt/authorised',
  'authorised/notes_changed/authorised',
  'authorised/paid_elsewhere/cancelled',
  'authorised/paid_twice/authorised',
  'authorised/part_captured/authorised',
  'authorised/payer_redirected/authorised',
  'authorised/planned/authorised',
  'authorised/retries_resumed/authorised',
  'authorised/retries_stopped/authorised',
  'authorised/taken_back/authorised',
  'authorised/unexplained/authorised',
  'authorised/warned/authorised',
  'authorised/wrong_token/authorised',
  'authorised/wrong_token_swept/authorised',
  'cancelled/approved_late/cancelled',
  'cancelled/attempt_approved/cancelled',
  'cancelled/attempt_declined/cancelled',
  'cancelled/attempt_not_sent/cancelled',
  'cancelled/attempt_unknown/cancelled',
  'cancelled/came_back/cancelled',
  'cancelled/dealt_with/cancelled',
  'cancelled/dispute_answer_delayed/cancelled',
  'cancelled/dispute_answer_owed/cancelled',
  'cancelled/dispute_answer_refused/cancelled',
  'cancelled/dispute_answered/cancelled',
  'cancelled/dispute_continued/cancelled',
  'cancelled/dispute_inquiry/cancelled',
  'cancelled/dispute_lost/cancelled',
  'cancelled/dispute_opened/cancelled',
  'cancelled/dispute_reversed/cancelled',
  'cancelled/dispute_warned/cancelled',
  'cancelled/dispute_won/cancelled',
  'cancelled/early_warning/cancelled',
  'cancelled/inquiry_closed/cancelled',
  'cancelled/mandate_renewed/cancelled',
  'cancelled/mandate_revoked/cancelled',
  'cancelled/merchant_attempt/cancelled',
  'cancelled/paid_late/cancelled',
  'cancelled/paid_twice/cancelled',
  'cancelled/part_owed_back/cancelled',
  'cancelled/reversal_by_hand_proposed/cancelled',
  'cancelled/reversal_delayed/cancelled',
  'cancelled/reversal_due_again/cancelled',
  'cancelled/reversal_failed/cancelled',
  'cancelled/reversal_netted/cancelled',
  'cancelled/reversal_owed/cancelled',
  'cancelled/reversal_owed_again/cancelled',
  'cancelled/reversal_refused/cancelled',
  'cancelled/reversal_retried/cancelled',
  'cancelled/reversal_stuck/cancelled',
  'cancelled/reversed/cancelled',
  'cancelled/settled_by_hand/cancelled',
  'cancelled/taken_back/cancelled',
  'cancelled/unexplained/cancelled',
  'cancelled/void_delayed/cancelled',
  'cancelled/void_owed/cancelled',
  'cancelled/void_retried/cancelled',
  'cancelled/void_stuck/cancelled',
  'cancelled/voided/cancelled',
  'cancelled/warned/cancelled',
  'cancelled/wrong_token/cancelled',
  'cancelled/wrong_token_swept/cancelled',
  'challenged/attempt_approved/challenged',
  'challenged/attempt_declined/challenged',
  'challenged/attempt_not_sent/challenged',
  'challenged/attempt_sent/challenged',
  'challenged/attempt_unknown/challenged',
  'challenged/attempt_withheld/challenged',
  'challenged/came_back/challenged',
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
  'challenged/early_warning/challenged',
  'challenged/mandate_renewed/challenged',
  'challenged/mandate_revoked/challenged',
  'challenged/merchant_attempt/challenged',
  'challenged/notes_changed/challenged',
  'challenged/paid_elsewhere/cancelled',
  'challenged/paid_twice/challenged',
  'challenged/payer_redirected/challenged',
  'challenged/planned/challenged',
  'challenged/retries_resumed/challenged',
  'challenged/retries_stopped/challenged',
  'challenged/taken_back/challenged',
  'challenged/unexplained/challenged',
  'challenged/warned/challenged',
  'challenged/wrong_token/challenged',
  'challenged/wrong_token_swept/challenged',
  'completed/attempt_approved/completed',
  'completed/attempt_declined/completed',
  'completed/attempt_not_sent/completed',
  'completed/attempt_sent/completed',
  'completed/attempt_unknown/completed',
  'completed/came_back/completed',
  'completed/capture_failed/completed',
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
  'completed/dispute_reversed/completed',
  'completed/dispute_warned/completed',
  'completed/dispute_won/completed',
  'completed/early_warning/completed',
  'completed/inquiry_closed/completed',
  'completed/mandate_renewed/completed',
  'completed/mandate_revoked/completed',
  'completed/merchant_attempt/completed',
  'completed/overpaid/completed',
  'completed/paid_late/completed',
  'completed/paid_twice/completed',
  'completed/refund_asked/completed',
  'completed/refund_by_hand_proposed/completed',
  'completed/refund_delayed/completed',
  'completed/refund_done/completed',
  'completed/refund_due_again/completed',
  'completed/refund_failed/completed',
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
  'completed/reversal_due_again/completed',
  'completed/reversal_failed/completed',
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
  'completed/taken_back/completed',
  'completed/uncollected/completed',
  'completed/unexplained/completed',
  'completed/void_delayed/completed',
  'completed/void_owed/completed',
  'completed/void_retried/completed',
  'completed/void_stuck/completed',
  'completed/voided/completed',
  'completed/warned/completed',
  'completed/wrong_token/completed',
  'completed/wrong_token_swept/completed',
  'declined/approved_late/declined',
  'declined/attempt_approved/declined',
  'declined/attempt_declined/declined',
  'declined/attempt_not_sent/declined',
  'declined/attempt_unknown/declined',
  'declined/came_back/declined',
  'declined/dealt_with/declined',
  'declined/dispute_answer_delayed/declined',
  'declined/dispute_answer_owed/declined',
  'declined/dispute_answer_refused/declined',
  'declined/dispute_answered/declined',
  'declined/dispute_continued/declined',
  'declined/dispute_inquiry/declined',
  'declined/dispute_lost/declined',
  'declined/dispute_opened/declined',
  'declined/dispute_reversed/declined',
  'declined/dispute_warned/declined',
  'declined/dispute_won/declined',
  'declined/early_warning/declined',
  'declined/inquiry_closed/declined',
  'declined/mandate_renewed/declined',
  'declined/mandate_revoked/declined',
  'declined/merchant_attempt/declined',
  'declined/paid_late/declined',
  'declined/paid_twice/declined',
  'declined/part_owed_back/declined',
  'declined/reversal_by_hand_proposed/declined',
  'declined/reversal_delayed/declined',
  'declined/reversal_due_again/declined',
  'declined/reversal_failed/declined',
  'declined/reversal_netted/declined',
  'declined/reversal_owed/declined',
  'declined/reversal_owed_again/declined',
  'declined/reversal_refused/declined',
  'declined/reversal_retried/declined',
  'declined/reversal_stuck/declined',
  'declined/reversed/declined',
  'declined/settled_by_hand/declined',
  'declined/taken_back/declined',
  'declined/unexplained/declined',
  'declined/void_delayed/declined',
  'declined/void_owed/declined',
  'declined/void_retried/declined',
  'declined/void_stuck/declined',
  'declined/voided/declined',
  'declined/warned/declined',
  'declined/wrong_token/declined',
  'declined/wrong_token_swept/declined',
  'expired/approved_late/expired',
  'expired/attempt_approved/expired',
  'expired/attempt_declined/expired',
  'expired/attempt_not_sent/expired',
  'expired/attempt_unknown/expired',
  'expired/came_back/expired',
  'expired/collected/completed',
  'expired/dealt_with/expired',
  'expired/dispute_answer_delayed/expired',
  'expired/dispute_answer_owed/expired',
  'expired/dispute_answer_refused/expired',
  'expired/dispute_answered/expired',
  'expired/dispute_continued/expired',
  'expired/dispute_inquiry/expired',
  'expired/dispute_lost/expired',
  'expired/dispute_opened/expired',
  'expired/dispute_reversed/expired',
  'expired/dispute_warned/expired',
  'expired/dispute_won/expired',
  'expired/early_warning/expired',
  'expired/inquiry_closed/expired',
  'expired/mandate_renewed/expired',
  'expired/mandate_revoked/expired',
  'expired/merchant_attempt/expired',
  'expired/paid_late/expired',
  'expired/paid_twice/expired',
  'expired/part_owed_back/expired',
  'expired/reversal_by_hand_proposed/expired',
  'expired/reversal_delayed/expired',
  'expired/reversal_due_again/expired',
  'expired/reversal_failed/expired',
  'expired/reversal_netted/expired',
  'expired/reversal_owed/expired',
  'expired/reversal_owed_again/expired',
  'expired/reversal_refused/expired',
  'expired/reversal_retried/expired',
  'expired/reversal_stuck/expired',
  'expired/reversed/expired',
  'expired/settled_by_hand/expired',
  'expired/taken_back/expired',
  'expired/unexplained/expired',
  'expired/void_delayed/expired',
  'expired/void_owed/expired',
  'expired/void_retried/expired',
  'expired/void_stuck/expired',
  'expired/voided/expired',
  'expired/warned/expired',
  'expired/wrong_token/expired',
  'expired/wrong_token_swept/expired',
  'held/attempt_approved/held',
  'held/attempt_declined/held',
  'held/attempt_not_sent/held',
  'held/attempt_sent/held',
  'held/attempt_unknown/held',
  'held/attempt_withheld/held',
  'held/authorised/authorised',
  'held/broke/problem',
  'held/came_back/held',
  'held/cancelled/cancelled',
  'held/card_replaced/held',
  'held/collected/completed',
  'held/dealt_with/held',
  'held/declined/declined',
  'held/early_warning/held',
  'held/expired/expired',
  'held/expiry_moved/held',
  'held/mandate_renewed/held',
  'held/mandate_revoked/held',
  'held/merchant_attempt/held',
  'held/notes_changed/held',
  'held/paid_elsewhere/cancelled',
  'held/paid_twice/held',
  'held/part_collected/held',
  'held/parts_kept/completed',
  'held/payer_redirected/held',
  'held/planned/held',
  'held/released/processing',
  'held/retries_resumed/held',
  'held/retries_stopped/held',
  'held/taken_back/held',
  'held/unexplained/held',
  'held/warned/held',
  'held/wrong_token/held',
  'held/wrong_token_swept/held',
  'new/began/processing',
  'new/received/received',
  'problem/attempt_approved/problem',
  'problem/attempt_declined/problem',
  'problem/attempt_not_sent/problem',
  'problem/attempt_sent/problem',
  'problem/attempt_unknown/problem',
  'problem/attempt_withheld/problem',
  'problem/authorised/authorised',
  'problem/came_back/problem',
  'problem/cancelled/cancelled',
  'problem/collected/completed',
  'problem/dealt_with/problem',
  'problem/declined/declined',
  'problem/early_warning/problem',
  'problem/expired/expired',
  'problem/expiry_moved/problem',
  'problem/mandate_renewed/problem',
  'problem/mandate_revoked/problem',
  'problem/mended/processing',
  'problem/merchant_attempt/problem',
  'problem/notes_changed/problem',
  'problem/paid_elsewhere/cancelled',
  'problem/paid_twice/problem',
  'problem/parts_kept/completed',
  'problem/payer_redirected/problem',
  'problem/planned/problem',
  'problem/retries_resumed/problem',
  'problem/retries_stopped/problem',
  'problem/taken_back/problem',
  'problem/unexplained/problem',
  'problem/warned/problem',
  'problem/wrong_token/problem',
  'problem/wrong_token_swept/problem',
  'processing/advanced/completed',
  'processing/attempt_approved/processing',
  'processing/attempt_declined/processing',
  'processing/attempt_not_sent/processing',
  'processing/attempt_sent/processing',
  'processing/attempt_unknown/processing',
  'processing/attempt_withheld/processing',
  'processing/authorised/authorised',
  'processing/broke/problem',
  'processing/came_back/processing',
  'processing/cancelled/cancelled',
  'processing/card_replaced/processing',
  'processing/challenge_failed/cancelled',
  'processing/challenge_offered/processing',
  'processing/challenge_passed/processing',
  'processing/challenge_refused/processing',
  'processing/challenge_timed_out/cancelled',
  'processing/challenge_tried/processing',
  'processing/challenged/challenged',
  'processing/collected/completed',
  'processing/dealt_with/processing',
  'processing/declined/declined',
  'processing/early_warning/processing',
  'processing/expired/expired',
  'processing/expiry_moved/processing',
  'processing/held/held',
  'processing/mandate_renewed/processing',
  'processing/mandate_revoked/processing',
  'processing/merchant_attempt/processing',
  'processing/notes_changed/processing',
  'processing/paid_elsewhere/cancelled',
  'processing/paid_twice/processing',
  'processing/part_collected/processing',
  'processing/parts_kept/completed',
  'processing/payer_redirected/processing',
  'processing/planned/processing',
  'processing/retries_resumed/processing',
  'processing/retries_stopped/processing',
  'processing/taken_back/processing',
  'processing/unexplained/processing',
  'processing/unseen/received',
  'processing/warned/processing',
  'processing/wrong_token/processing',
  'processing/wrong_token_swept/processing',
  'received/attempt_approved/received',
  'received/attempt_declined/received',
  'received/attempt_not_sent/received',
  'received/attempt_unknown/received',
  'received/came_back/received',
  'received/cancelled/cancelled',
  'received/dealt_with/received',
  'received/declined/declined',
  'received/early_warning/received',
  'received/expired/expired',
  'received/expiry_moved/received',
  'received/held/held',
  'received/mandate_renewed/received',
  'received/mandate_revoked/received',
  'received/merchant_attempt/received',
  'received/notes_changed/received',
  'received/paid_elsewhere/cancelled',
  'received/paid_twice/received',
  'received/retries_resumed/received',
  'received/retries_stopped/received',
  'received/started/processing',
  'received/taken_back/received',
  'received/unexplained/received',
  'received/warned/received',
  'received/wrong_token/received',
  'received/wrong_token_swept/received'
) OR VALUE ~ '^([a-z_]+)/[a-z_]+[.][a-z_]+/\1$');

-- One journal for steps and facts: seq = version = event number.
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
  arm text,                                -- engine, ladder, holdout, shadow; null: the engine was off
  arm_version int,                         -- of the arm_settings by which it came there
  arm_share smallint,                      -- percent that retry policies left of their share; null: all of it
  PRIMARY KEY (merchant_id, order_id),
  FOREIGN KEY (merchant_id, order_id, version, stage) REFERENCES order_log (merchant_id, order_id, seq, dst),
  FOREIGN KEY (merchant_id, site_id) REFERENCES sites,
  FOREIGN KEY (merchant_id, site_id, campaign_id) REFERENCES campaigns (merchant_id, site_id, campaign_id)
);
-- An expression: no statement that looks an order up by its id takes it for a way while the tables are small.
CREATE INDEX orders_of_card ON orders ((pan_id::text));

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
  attention text,                          -- a code of rules/order/attention.py, with an argument behind a colon
  descriptor text NOT NULL DEFAULT '',
  campaign_id uuid,
  decline_code text NOT NULL DEFAULT '',   -- that it came in with; empty for a stablecoin order
  decline_source text NOT NULL DEFAULT '', -- lower case
  card_scheme text NOT NULL DEFAULT '',    -- of the card that it came with; so below
  card_bin text NOT NULL DEFAULT '',
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
-- A merchant may have few of these among many others.
CREATE INDEX order_heads_stable ON order_heads (merchant_id, status, placed_at DESC, order_id DESC)
  WHERE order_type = 'STABLE';
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
CREATE INDEX order_heads_reason ON order_heads (merchant_id, reason, placed_at DESC, order_id DESC)
  WHERE reason IS NOT NULL;
CREATE INDEX order_heads_code ON order_heads (merchant_id, lower(decline_code), placed_at DESC, order_id DESC)
  WHERE decline_code <> '';
CREATE INDEX order_heads_scheme ON order_heads (merchant_id, card_scheme, placed_at DESC, order_id DESC)
  WHERE card_scheme <> '';
CREATE INDEX order_heads_bin ON order_heads (merchant_id, card_bin, placed_at DESC, order_id DESC)
  WHERE card_bin <> '';

-- All personal data stands in payers and order_payer; order_search is derived from them. What people typed
-- beside orders, in which somebody may be named, goes with them: store/people/persons.py names each place.
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
  forgotten boolean NOT NULL DEFAULT false,  -- its customer was erased after it came
  PRIMARY KEY (merchant_id, order_id)
);
-- How many orders somebody has, and which came last, is read from it alone.
CREATE INDEX order_payer_payer ON order_payer (merchant_id, payer_id, order_id) WHERE payer_id IS NOT NULL;
CREATE INDEX order_payer_email ON order_payer (merchant_id, lower(email) text_pattern_ops);

CREATE TABLE order_search (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  placed_at timestamptz NOT NULL,
  text text NOT NULL,                      -- folded: name in its spellings, e-mail, references, last four
  fold smallint NOT NULL DEFAULT 1,        -- by which rules; 0: to be folded again
  PRIMARY KEY (merchant_id, order_id)
);
CREATE INDEX order_search_trigrams ON order_search USING gin (merchant_id, text gin_trgm_ops);
CREATE INDEX order_search_unfolded ON order_search (merchant_id, order_id) WHERE fold = 0;

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
  PRIMARY KEY (merchant_id, export_id),
  CHECK ((finished_at IS NULL) = (state IN ('asked', 'working')))
);
CREATE INDEX exports_newest ON exports (merchant_id, user_id, requested_at DESC, export_id);
CREATE INDEX exports_worded ON exports (merchant_id)
  WHERE state IN ('working', 'ready', 'refused') AND wanted <> '{}';
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

-- Who decides about new orders, the engine or the ladder: each change is a line, the newest of the
-- merchant and of a site counts. `version` is the merchant's that the change made; an order keeps the one it came under.
CREATE TABLE arm_settings (
  merchant_id uuid NOT NULL REFERENCES merchants,
  version int NOT NULL,
  site_id uuid,                            -- null: of all sites that have none of their own
  mode text NOT NULL CHECK (mode IN ('inherit', 'off', 'shadow', 'share')),  -- inherit: a site again as the merchant
  share smallint NOT NULL CHECK (share BETWEEN 0 AND 100),        -- percent of customers that the engine decides for
  holdout smallint NOT NULL CHECK (holdout BETWEEN 0 AND 50),     -- percent that it never does
  explore smallint NOT NULL CHECK (explore BETWEEN 0 AND 20),     -- percent of decisions that are drawn
  explore_max jsonb NOT NULL,              -- by currency, the units above which nothing is drawn; empty: no bound
  changed_at timestamptz NOT NULL,         -- wall time
  changed_by text NOT NULL,
  PRIMARY KEY (merchant_id, version),
  FOREIGN KEY (merchant_id, site_id) REFERENCES sites,
  CHECK (share + holdout <= 100),
  CHECK (mode <> 'inherit' OR site_id IS NOT NULL)
);
CREATE INDEX arm_settings_newest ON arm_settings (merchant_id, site_id, version DESC);

-- While one stands, the ladder decides in the engine's place: for a merchant, or for all of them.
CREATE TABLE directory.engine_stops (
  stop_id uuid PRIMARY KEY,
  merchant_id uuid,                        -- null: all
  why text NOT NULL,
  actor text NOT NULL,
  stopped_at timestamptz NOT NULL,         -- wall time, as below
  ended_by text,
  ended_at timestamptz,
  CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX engine_stops_now ON engine_stops (coalesce(merchant_id, '00000000-0000-0000-0000-000000000000'))
  WHERE ended_at IS NULL;

-- Retry policies as versions: only added to, for what one decided is decided again by its text. Of one scope the highest
-- number whose time has come counts.
CREATE TABLE policy_versions (
  merchant_id uuid NOT NULL REFERENCES merchants,
  scope text NOT NULL CHECK (scope IN ('merchant', 'site', 'campaign')),
  subject_id uuid NOT NULL,                -- the merchant, its site or its campaign
  number int NOT NULL CHECK (number > 0),
  content jsonb NOT NULL,                  -- every line that is set
  reason text NOT NULL,
  author text NOT NULL,
  from_at timestamptz NOT NULL,            -- business time
  saved_at timestamptz NOT NULL,           -- wall time
  PRIMARY KEY (merchant_id, scope, subject_id, number)
);

-- What operator and partners bound their merchants by. `subject_id`: the partner; of the operator's, zeros.
CREATE TABLE directory.policy_bounds (
  scope text NOT NULL CHECK (scope IN ('operator', 'partner')),
  subject_id uuid NOT NULL,
  number int NOT NULL CHECK (number > 0),
  content jsonb NOT NULL,
  reason text NOT NULL,
  author text NOT NULL,
  from_at timestamptz NOT NULL,            -- business time of each merchant
  saved_at timestamptz NOT NULL,
  PRIMARY KEY (scope, subject_id, number)
);

-- Sends that budgets of policies count, by calendar month (UTC) of business time.
CREATE TABLE policy_sends (
  merchant_id uuid NOT NULL REFERENCES merchants,
  month date NOT NULL,
  sends bigint NOT NULL,
  subject_id uuid NOT NULL,                -- the merchant, its site or its campaign: whose sends they are
  PRIMARY KEY (merchant_id, subject_id, month)
);

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

-- What networks and processors reported as fraud before anybody disputed it. It moves nothing; weights are learned from it.
CREATE TABLE fraud_warnings (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  warning_id uuid NOT NULL,                -- made of the processor's own
  warned_at timestamptz NOT NULL,          -- business time
  PRIMARY KEY (merchant_id, order_id, warning_id)
);

-- Weights that were learned from what became of payments. The newest line that is used decides; no line is ever changed.
CREATE TABLE directory.risk_weights (
  version_no bigint PRIMARY KEY,           -- of two who learn at once the second finds the number taken
  name text NOT NULL,                      -- of the weights' hash; decisions name it
  base int NOT NULL,                       -- thousandths of a logit
  terms jsonb NOT NULL,                    -- the same by term
  used boolean NOT NULL,
  payments bigint NOT NULL,                -- that it was learned from
  frauds bigint NOT NULL,
  merchants int NOT NULL,
  data_from date,                          -- business time
  data_until date,
  held_from timestamptz,                   -- from here on payments were held out; null: chosen by hand
  held_payments int,
  held_frauds int,
  score double precision,                  -- mean log-loss there, the less the better
  compared_with text,
  compared_score double precision,
  note text NOT NULL,
  made_at timestamptz NOT NULL,            -- wall time
  made_by text NOT NULL,
  CHECK (num_nulls(held_from, held_payments, held_frauds, score, compared_with, compared_score) IN (0, 6))
);

-- Whatever was decided about an order: `versions` names the decider, `features` is all that it read, so
-- that it can decide again. No personal data, and of other merchants' sends only how many there were.
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
  taken text,                              -- which of the alternatives, where a decision chose among them
  arm jsonb,                               -- of an order with an arm: whose decision it is, and by which settings
  PRIMARY KEY (merchant_id, decision_id)
) PARTITION BY RANGE (decision_id);
CREATE INDEX decisions_refused ON decisions (merchant_id, at) WHERE verdict IN ('postpone', 'refuse'); -- by the gate

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
  sent_at timestamptz,                     -- business time given to the network, of the first send under this id
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
  when_due text,                           -- decide: the engine is asked again; else it is sent: keep (drawn), its means, null
  checks jsonb,                            -- what the processor said beside its codes: rules/order/checks
  retries_itself_at timestamptz,           -- wall time; the processor repeats the payment then by itself
  consent jsonb,                           -- what was sent of the customer's consent: rules/order/consent
  authentication jsonb,                    -- of a customer at a page of ours: rules/order/authentication
  key uuid,                                -- what its processor sees it as, of one that was sent: rules/order/wire_keys
  PRIMARY KEY (merchant_id, attempt_id),
  UNIQUE (merchant_id, order_id, attempt_no),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders
);
-- What a processor's notice or statement names it by, over all merchants.
CREATE INDEX attempts_keyed ON attempts (key) WHERE key IS NOT NULL;
-- "What is this charge": by what a cardholder reads on a statement, over all merchants.
CREATE INDEX attempts_charged ON attempts (card_last4, units, asset, closed_at)
  WHERE state = 'approved' AND card_last4 IS NOT NULL;
-- Which charge a processor's notice is about: by the processor's reference, over all merchants.
CREATE INDEX attempts_referenced ON attempts (reference) WHERE state = 'approved' AND ladder <> 'payment';
-- Where a payment on a chain is looked for: its transaction's hash.
CREATE INDEX attempts_on_chain ON attempts (merchant_id, reference) WHERE ladder IN ('payment', 'unexpected');

-- What the answers to a merchant's charges said of a card number, or of a card that a processor keeps: the network's ids of
-- the customer's first consent and of the latest approval, and the processor's newest risk. Business time.
CREATE TABLE card_results (
  merchant_id uuid NOT NULL,
  pan_id uuid NOT NULL,
  approvals int NOT NULL DEFAULT 0,
  first_network_id text,                   -- of the first approval that its customer started
  first_at timestamptz,
  latest_network_id text,
  latest_at timestamptz,
  risk_score int,
  risk_level text CHECK (risk_level IN ('low', 'elevated', 'high')),
  risk_at timestamptz,
  PRIMARY KEY (merchant_id, pan_id)
);

-- What is told to the processor about a payment that it approved: money back, a hold's end, a capture.
CREATE TABLE modifications (
  merchant_id uuid NOT NULL,
  modification_id uuid NOT NULL,
  order_id uuid NOT NULL,
  modification_no int NOT NULL,
  kind text NOT NULL CHECK (kind IN ('refund', 'reversal', 'void', 'capture')),
  attempt_id uuid,
  state text NOT NULL CHECK (state IN ('owed', 'sent', 'netted', 'done', 'stuck', 'refused', 'failed')),
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
  send_id uuid,                            -- what the processor knows it by, when it is not modification_id any more
  hand_note text,                          -- how somebody says that it was paid; another person confirms
  hand_actor text,
  approved_by text,                        -- the second person, where one had to agree
  unsent int NOT NULL DEFAULT 0,           -- of its tries, as long as it is proved that none under its id left
  final_part boolean NOT NULL DEFAULT true, -- of a capture: what it does not take is released
  piece_of uuid,                           -- the refund that was asked for, of which it is a further piece
  key uuid,                                -- what its processor sees it as: rules/order/wire_keys
  send_key uuid,                           -- the same beside send_id
  PRIMARY KEY (merchant_id, modification_id),
  UNIQUE (merchant_id, order_id, modification_no),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders
);

CREATE INDEX modifications_at ON modifications (merchant_id, business_at);
CREATE INDEX modifications_resent ON modifications (merchant_id, send_id) WHERE send_id IS NOT NULL;
CREATE INDEX modifications_keyed ON modifications (key) WHERE key IS NOT NULL;
CREATE INDEX modifications_rekeyed ON modifications (send_key) WHERE send_key IS NOT NULL;
CREATE INDEX modifications_under_way ON modifications (merchant_id, business_at) WHERE state IN ('owed', 'sent', 'stuck');

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

-- What people of a role may refund, by currency; no row: as much as an order allows.
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
CREATE INDEX modifications_of_person ON modifications (merchant_id, split_part(actor, ' by operator:', 1), business_at)
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
  requested_by text NOT NULL,
  requested_role text NOT NULL,
  requested_at timestamptz NOT NULL,           -- business time, as all of these
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
CREATE INDEX refund_requests_desk ON refund_requests (merchant_id, requested_at) WHERE state = 'waiting';

-- Whose data somebody has revealed, and until when they see it.
CREATE TABLE reveals (
  merchant_id uuid NOT NULL REFERENCES merchants,
  user_id uuid NOT NULL,
  subject_id uuid NOT NULL,                -- an order, or a customer
  until timestamptz NOT NULL,              -- wall time
  PRIMARY KEY (merchant_id, user_id, subject_id)
);

-- Direct money on its way to the merchant's own wallet; one for each payment, and the failed ones that it replaced.
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
CREATE UNIQUE INDEX settlements_payment ON settlements (merchant_id, attempt_id)
  WHERE state NOT IN ('confirmed', 'failed');  -- what is still to come; on a chain each sweep is one of its own
CREATE INDEX settlements_to_send ON settlements (merchant_id, asset) WHERE state NOT IN ('confirmed', 'failed');

-- What may be advanced before it is collected, by whom it was set. A limit of 0 advances nothing.
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
  lost bigint NOT NULL DEFAULT 0 CHECK (lost >= 0),  -- written off here since the terms were set: not free again
  PRIMARY KEY (merchant_id, asset, slot),
  CHECK (used BETWEEN 0 AND allotted),
  CHECK (reclaim BETWEEN 0 AND used)
);

-- What a customer has in use. One person is counted by each name: the merchant's id, e-mail, phone, card number.
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
  customers uuid[] NOT NULL DEFAULT '{}',  -- whose customer_exposure it counts in while it is due
  PRIMARY KEY (merchant_id, order_id),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders,
  CHECK ((state = 'due') = (due_units > 0))
);
CREATE INDEX advances_begun ON advances (merchant_id, asset, started_at);
CREATE INDEX advances_due ON advances (merchant_id, asset, slot) WHERE due_units > 0;

-- What became of orders whose time to pay is over, by week of their begin and by the chance that was foreseen; only added to.
CREATE TABLE advance_weeks (
  merchant_id uuid NOT NULL REFERENCES merchants,
  asset text NOT NULL,
  begins date NOT NULL,                    -- a Monday, by business time
  cells jsonb NOT NULL,                    -- by tenth of the chance: rules/money/advance_bounds
  PRIMARY KEY (merchant_id, asset, begins)
);

-- What such orders bring at least and lose at most, as versions: decisions about advances name theirs. Only added to.
CREATE TABLE advance_bounds (
  merchant_id uuid NOT NULL REFERENCES merchants,
  asset text NOT NULL,
  version int NOT NULL CHECK (version > 0),
  made_on date NOT NULL,                   -- business time
  until date NOT NULL,                     -- weeks before it have counted
  tables jsonb NOT NULL,
  PRIMARY KEY (merchant_id, asset, version)
);

-- What the operator risks over all merchants, an asset.
CREATE TABLE directory.operator_exposure (
  asset text PRIMARY KEY,
  limit_units bigint NOT NULL DEFAULT 0 CHECK (limit_units >= 0),
  drawn_units bigint NOT NULL DEFAULT 0 CHECK (drawn_units >= 0),
  changed_at timestamptz NOT NULL,
  changed_by text NOT NULL
);

-- What cardholders take back through their issuer: one row a case of the processor, whatever stages it
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
  stage text NOT NULL CHECK (stage IN ('inquiry', 'first', 'pre_arbitration', 'arbitration')),
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
  answer_no int NOT NULL DEFAULT 0,        -- which of our answers to the case, as the processor counts them
  PRIMARY KEY (merchant_id, dispute_id),
  UNIQUE (merchant_id, route, case_ref),
  UNIQUE (merchant_id, order_id, dispute_no),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders,
  CHECK ((answer IS NULL) = (answer_state IS NULL))
);
CREATE INDEX disputes_desk ON disputes (merchant_id, respond_by, dispute_id) WHERE state = 'open';
CREATE INDEX disputes_newest ON disputes (merchant_id, opened_at DESC, dispute_id DESC);
CREATE INDEX disputes_state ON disputes (merchant_id, state, opened_at DESC, dispute_id DESC);

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

-- The same as files. Bytes are sealed; gone with the customer's data.
CREATE TABLE dispute_files (
  merchant_id uuid NOT NULL,
  file_id uuid NOT NULL,
  dispute_id uuid NOT NULL,
  name text NOT NULL,                      -- empty: erased
  media_type text NOT NULL,
  bytes int NOT NULL CHECK (bytes > 0),
  sha256 bytea NOT NULL,                   -- empty: erased
  sealed bytea,                            -- null: erased
  actor text NOT NULL,
  business_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, file_id),
  FOREIGN KEY (merchant_id, dispute_id) REFERENCES disputes
);
CREATE INDEX dispute_files_of ON dispute_files (merchant_id, dispute_id, file_id);

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
  business_at timestamptz NOT NULL,        -- by the merchant's clock, when it was set
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

-- A payer's latest answered attempts, of any of their payments, newest last; see
-- `rules.rescue.payer_looks`. `orders`: null of a payment that was never sent to us. What came before the id `since` was
-- erased, and is never counted again.
CREATE TABLE payer_looks (
  merchant_id uuid NOT NULL,
  payer_id uuid NOT NULL,
  at timestamptz[] NOT NULL DEFAULT '{}',  -- business time
  answers smallint[] NOT NULL DEFAULT '{}',  -- classes of the engine
  tries smallint[] NOT NULL DEFAULT '{}',
  orders uuid[] NOT NULL DEFAULT '{}',
  since uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  PRIMARY KEY (merchant_id, payer_id),
  CHECK (cardinality(at) <= 24),
  CHECK (cardinality(at) = ALL (ARRAY[cardinality(answers), cardinality(tries), cardinality(orders)]))
) WITH (fillfactor = 80);

-- How often an issuer answered what to our attempts.
CREATE TABLE issuer_answers (
  merchant_id uuid NOT NULL,
  issuer_digits text NOT NULL,
  approved bigint NOT NULL DEFAULT 0,
  funds bigint NOT NULL DEFAULT 0,
  soft bigint NOT NULL DEFAULT 0,
  technical bigint NOT NULL DEFAULT 0,
  over_limit bigint NOT NULL DEFAULT 0,
  hard bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (merchant_id, issuer_digits)
) WITH (fillfactor = 80);

-- The same over merchants, of issuers that enough owners of merchants met.
CREATE TABLE directory.issuers (
  issuer_digits text PRIMARY KEY,
  merchants int NOT NULL CHECK (merchants >= 5),  -- owners: a partner with all its merchants is one
  answers bigint[] NOT NULL,               -- by class, as the columns above, in steps of 1, 2, 5, 10 and so on
  counted_at timestamptz NOT NULL          -- wall time
);

-- How far looks and answers are kept: up to which event of the feed, and which transmission. No row: the merchant needs neither.
CREATE TABLE fact_clocks (
  merchant_id uuid PRIMARY KEY,
  kept boolean NOT NULL,                   -- false: no more, for now
  feed_no bigint NOT NULL DEFAULT 0,
  transmit_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  checked_at timestamptz NOT NULL          -- wall time
);

-- One row a card: the lock of the network gate. Several are known to be one: they have the sends of all, and the lock of
-- the one that they are joined to.
CREATE TABLE hub.cards (
  card_id uuid PRIMARY KEY,
  created_at timestamptz NOT NULL,
  joined_to uuid CHECK (joined_to <> card_id), -- never one that is joined to another
  replaced_by uuid,                        -- the card that the network says took the place of its number
  joined_at timestamptz                    -- wall time
);
CREATE INDEX cards_joined ON cards (joined_to) WHERE joined_to IS NOT NULL;

-- Every send of a card, over all merchants: limits count rows, there are no counters.
CREATE TABLE hub.network_sends (
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
  claimed boolean NOT NULL DEFAULT false,  -- only the merchant says that it was sent: binds that merchant alone
  network_attempts smallint NOT NULL DEFAULT 1,  -- how many sends it cost: a processor may repeat by itself
  known_at timestamptz,                    -- wall time, as below: since when it counts
  answered_at timestamptz,                 -- since when its answer does
  imported boolean NOT NULL DEFAULT false, -- a claim out of a file of past attempts: `order_id` is the import's
  PRIMARY KEY (card_id, send_id)
);
CREATE INDEX network_sends_ours ON network_sends (card_id, at) WHERE NOT claimed;
CREATE INDEX network_sends_claims ON network_sends (card_id, merchant_id, at) WHERE claimed;
CREATE INDEX network_sends_merchant ON network_sends (merchant_id, at);

CREATE TABLE hub.card_blocks (
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

-- Which card a keyed hash of its number means. Keys rotate by adding rows; nothing else is keyed by a print.
CREATE TABLE hub.card_prints (
  key_id text NOT NULL,
  print bytea NOT NULL,
  card_id uuid NOT NULL,
  PRIMARY KEY (key_id, print)
);

-- What the operator's people say of two prints of a merchant's cards: that they are one card. One proposes, another
-- decides; what is joined stays joined.
CREATE TABLE card_joins (
  merchant_id uuid NOT NULL,
  join_id uuid NOT NULL,
  first_card uuid NOT NULL,                -- the lower of the two
  second_card uuid NOT NULL,
  first_order uuid NOT NULL,               -- by which each was named
  second_order uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'joined', 'refused')),
  reason text NOT NULL,                    -- empty once a customer of one of the orders was erased; as evidence
  evidence text NOT NULL,
  made_by text NOT NULL,
  decided_by text,
  created_at timestamptz NOT NULL,         -- wall time, as below
  decided_at timestamptz,
  PRIMARY KEY (merchant_id, join_id),
  CHECK (first_card < second_card),
  CHECK ((state = 'waiting') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX card_joins_pair ON card_joins (merchant_id, first_card, second_card) WHERE state <> 'refused';
CREATE INDEX card_joins_second ON card_joins (merchant_id, second_card) WHERE state = 'joined';
CREATE INDEX card_joins_newest ON card_joins (merchant_id, created_at DESC, join_id DESC);

-- The card routes that the settings have ever named. A name stays one processor's account for good.
CREATE TABLE directory.card_routes (
  name text PRIMARY KEY,
  kind text NOT NULL,
  account text NOT NULL,
  acceptor text NOT NULL,
  connection bytea,                        -- sealed: how it is reached, for what is open after it left the settings
  first_at timestamptz NOT NULL,           -- wall time, as below
  listed_at timestamptz NOT NULL,          -- of the last start with it in the settings
  window_from timestamptz NOT NULL,        -- its breaker: what was counted since
  answered int NOT NULL DEFAULT 0,
  outages int NOT NULL DEFAULT 0,
  opened_at timestamptz,                   -- null: closed
  pause_until timestamptz,                 -- then a trickle goes
  openings int NOT NULL DEFAULT 0,         -- since it was last closed
  is_refused boolean NOT NULL DEFAULT false, -- open because the processor refuses our account or key
  refused_at timestamptz,                  -- of the last request that the processor refused, as wrong or for the account
  refused_code text,                       -- the processor's
  refused_text text,                       -- its words, of the account alone: a request's may be about a payer
  CHECK ((opened_at IS NULL) = (pause_until IS NULL))
);

-- Routes that somebody has switched off.
CREATE TABLE directory.card_route_stops (
  stop_id uuid PRIMARY KEY,
  name text NOT NULL REFERENCES card_routes,
  why text NOT NULL,
  actor text NOT NULL,
  stopped_at timestamptz NOT NULL,         -- wall time, as below
  ended_by text,
  ended_at timestamptz,
  CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX card_route_stops_now ON card_route_stops (name) WHERE ended_at IS NULL;

-- What came back by each route, hour by hour.
CREATE TABLE directory.card_route_hours (
  name text NOT NULL REFERENCES card_routes,
  hour timestamptz NOT NULL,               -- wall time
  approved bigint NOT NULL,
  expected bigint NOT NULL,                -- approvals that the engine expected of the same sends, in millionths
  declined bigint NOT NULL,
  not_sent bigint NOT NULL,
  unknown bigint NOT NULL,
  refused bigint NOT NULL DEFAULT 0,       -- requests that the processor refused as wrong; of not_sent
  PRIMARY KEY (name, hour)
);
CREATE INDEX card_route_hours_hour ON card_route_hours (hour);

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

-- What processors' signed notices are about: a row an object, however many notices it had.
CREATE TABLE processor_notices (
  merchant_id uuid NOT NULL,
  object_key uuid NOT NULL,                -- made of route, subject and object
  route text NOT NULL,
  subject text NOT NULL CHECK (subject IN
    ('charge', 'modification', 'dispute', 'method', 'invoice', 'fraud', 'hold')),
  about text NOT NULL,                     -- the processor's id of the object
  kind text NOT NULL,                      -- of the newest notice, in the processor's words
  message_id uuid,                         -- ours, of what the object came from
  charge text,                             -- what it hangs on, by the processor's ids
  invoice text,
  approves boolean NOT NULL,               -- one of them says that money moved
  notices text[] NOT NULL,                 -- ids of the newest ones
  times int NOT NULL DEFAULT 1,
  happened_at timestamptz NOT NULL,        -- the newest, as the processor says
  received_at timestamptz NOT NULL,        -- wall time
  became text,                             -- what asking found; null while it waits
  PRIMARY KEY (merchant_id, object_key)
);
CREATE INDEX processor_notices_age ON processor_notices (received_at);

-- How many notices each route had, by what became of them at the door.
CREATE TABLE directory.processor_notice_counts (
  route text NOT NULL,
  day date NOT NULL,                       -- wall time
  became text NOT NULL CHECK (became IN
    ('taken', 'repeated', 'unknown_kind', 'needs_nothing', 'not_mine', 'not_ours', 'unsigned', 'unread')),
  count bigint NOT NULL,
  last_at timestamptz,                     -- of the newest; wall time, null before this was kept
  PRIMARY KEY (route, day, became)
);

-- Kinds of signed notices that no connector of this release reads: few, each once a route.
CREATE TABLE directory.unread_notice_kinds (
  route text NOT NULL,
  kind text NOT NULL,                      -- in the processor's words
  count bigint NOT NULL,
  last_at timestamptz NOT NULL,            -- wall time
  PRIMARY KEY (route, kind)
);

-- Invoices of a processor's own billing that are rescued here, and what was agreed with that billing about each.
CREATE TABLE processor_invoices (
  merchant_id uuid NOT NULL,
  invoice_key uuid NOT NULL,               -- made of route and invoice
  route text NOT NULL,
  invoice text NOT NULL,
  subscription text,
  billing text NOT NULL CHECK (billing IN ('take_over', 'beside')),
  method text NOT NULL,                    -- as it was when it came, as below
  customer text NOT NULL,
  units bigint NOT NULL,
  asset text NOT NULL,
  order_id uuid,                           -- null until it is admitted
  counted int NOT NULL DEFAULT 0,          -- the billing's own tries that the card's limits know
  retries text NOT NULL DEFAULT 'on' CHECK (retries IN ('on', 'stopping', 'off', 'starting', 'given_back')),
  own_retry_at timestamptz,                -- wall time, as below: the billing's next try
  ended text,                              -- why nothing more is to be done; null while something is
  came_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, invoice_key)
);
CREATE INDEX processor_invoices_subscribed ON processor_invoices (merchant_id, subscription) WHERE ended IS NULL;
CREATE INDEX processor_invoices_order ON processor_invoices (merchant_id, order_id);

-- What is known of each card. AAD of each ciphertext = world, merchant, token: a row cannot be swapped. Of a card that its
-- processor keeps nothing is sealed: there is no number.
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
  kek_id text,
  wrapped_dek bytea,
  nonce bytea,
  ciphertext bytea,
  created_at timestamptz NOT NULL,
  issuer_digits text NOT NULL DEFAULT '',  -- eight where a number is long enough; empty: not filled in yet
  PRIMARY KEY (merchant_id, token_id),
  CONSTRAINT vault_sealed CHECK (num_nulls(kek_id, wrapped_dek, nonce, ciphertext) IN (0, 4))
);

-- Cards that a processor keeps: what it calls them. `method_id` is the token_id of its row in the vault.
CREATE TABLE stored_methods (
  merchant_id uuid NOT NULL,
  method_id uuid NOT NULL,
  route text NOT NULL,
  reference text NOT NULL,                 -- the processor's id of the method, empty once it is erased
  customer text,
  fingerprint text,                        -- as the processor knows the card; null where it does not say
  funding text,
  country text,
  created_at timestamptz NOT NULL,
  closed_at timestamptz,                   -- the processor said that it is gone
  described_at timestamptz,                -- wall time: when the processor last said what it is; null: before this was kept
  PRIMARY KEY (merchant_id, method_id)
);
CREATE INDEX stored_methods_referenced ON stored_methods (reference) WHERE closed_at IS NULL;
-- Whose customer of the processor's it is: who named one of its methods first.
CREATE INDEX stored_methods_customer ON stored_methods (customer) WHERE customer IS NOT NULL;

-- What the account updater was queried about, and has answered: the newest query of a card.
CREATE TABLE card_updates (
  merchant_id uuid NOT NULL,
  pan_id uuid NOT NULL,
  update_id uuid NOT NULL,                 -- the updater's idempotency key
  token_id uuid NOT NULL,                  -- the card that it is about
  requested_at timestamptz NOT NULL,       -- business time, as answered_at
  answer text CHECK (answer IN ('new_number', 'new_expiry', 'unchanged', 'closed', 'contact', 'unknown')),
  new_token_id uuid,
  answered_at timestamptz,
  PRIMARY KEY (merchant_id, pan_id)
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

-- Postings are inserts and lock nothing; pages close over what is committed.
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

-- What a merchant is paid: by which terms, from which entries, to which account. Business time throughout.

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
  business_at timestamptz NOT NULL,        -- by the merchant's clock, when it was set
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
  recorded_at timestamptz NOT NULL,        -- wall time
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
CREATE INDEX adjustments_newest ON adjustments (merchant_id, created_at DESC, adjustment_id DESC);
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
-- Each state that a payout came into, and when: what was so at a moment of the past. Never changed.
CREATE TABLE bank_payout_states (
  merchant_id uuid NOT NULL,
  payout_id uuid NOT NULL,
  state_no smallint NOT NULL,
  state text NOT NULL CHECK (state IN ('created', 'approved', 'sent', 'paid', 'returned')),
  business_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,        -- wall time
  PRIMARY KEY (merchant_id, payout_id, state_no),
  FOREIGN KEY (merchant_id, payout_id) REFERENCES bank_payouts
);
CREATE UNIQUE INDEX bank_payouts_one ON bank_payouts (merchant_id, batch_id) WHERE state <> 'returned';
CREATE INDEX bank_payouts_open ON bank_payouts (merchant_id, state) WHERE state IN ('created', 'approved', 'sent');
CREATE INDEX bank_payouts_ended ON bank_payouts (merchant_id, account_id, ended_at DESC) WHERE ended_at IS NOT NULL;
CREATE INDEX bank_payouts_reference ON bank_payouts (merchant_id, reference);

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

-- What is said of each month of a merchant's sends, acceptor by acceptor, once it is closed. Business time.

-- The first month that nothing was made of; the row is the lock of whoever makes a merchant's certificates.
CREATE TABLE certificate_clocks (
  merchant_id uuid PRIMARY KEY REFERENCES merchants,
  month_from timestamptz NOT NULL
);

-- Rows are never changed: what turns out otherwise later is a certificate with the next number.
CREATE TABLE certificates (
  merchant_id uuid NOT NULL,
  certificate_id uuid NOT NULL,
  chain_no int NOT NULL,                   -- counts the merchant's certificates
  month_from timestamptz NOT NULL,
  acceptor_id text NOT NULL,
  number int NOT NULL CHECK (number >= 1), -- 1, and then its corrections
  reasons jsonb NOT NULL,                  -- of a correction: which parts differ
  sends bigint NOT NULL,
  refusals bigint NOT NULL,
  breaches bigint NOT NULL,
  recounted_by text NOT NULL CHECK (recounted_by IN ('issuer', 'statement', 'none')),
  content_hash bytea NOT NULL,             -- of what would be the same if it were made again
  root bytea NOT NULL,                     -- of the file, and of the certificate before
  file bytea NOT NULL,                     -- as it is given out
  made_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, certificate_id),
  UNIQUE (merchant_id, chain_no),
  UNIQUE (merchant_id, month_from, acceptor_id, number)
);

-- What leaves a custodial balance. A wallet's row is the lock under which its payouts and
-- refunds are decided; the balance itself is the ledger's.
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

-- Events are rows of the transaction that made them; the closer numbers them in commit order.
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

-- Where events go: a merchant's addresses, and those of partners, who hear of all their merchants.
CREATE TABLE directory.endpoints (
  endpoint_id uuid PRIMARY KEY,
  merchant_id uuid,
  partner_id uuid,
  url text NOT NULL,
  events text[] NOT NULL,
  format text NOT NULL CHECK (format IN ('rescue', 'rescue-text', 'standard', 'stablecoin')),
  own_key bytea,                           -- sealed; null = the merchant's key signs
  ordered boolean NOT NULL DEFAULT true,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled', 'deleted')),
  why text,                                -- it is disabled: a code of rules/messages/endpoint_whys.py
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
CREATE INDEX endpoints_of_merchant ON endpoints (merchant_id) WHERE state <> 'deleted';
CREATE INDEX endpoints_of_partner ON endpoints (partner_id) WHERE state <> 'deleted';
CREATE UNIQUE INDEX endpoints_one_stablecoin ON endpoints (merchant_id)
  WHERE door = 'stablecoin' AND state <> 'deleted';
CREATE UNIQUE INDEX endpoints_one_url ON endpoints (coalesce(merchant_id, partner_id), url, (format = 'stablecoin'))
  WHERE door = 'rescue' AND state <> 'deleted';

-- The merchant's webhook key that was replaced, until it ends: one for each API.
CREATE TABLE webhook_key_overlaps (
  merchant_id uuid NOT NULL,
  previous_key bytea NOT NULL,             -- sealed
  previous_until timestamptz NOT NULL,
  rotated_at timestamptz NOT NULL,
  door text NOT NULL DEFAULT 'rescue' CHECK (door IN ('rescue', 'stablecoin')),
  PRIMARY KEY (merchant_id, door)
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
  request jsonb NOT NULL,
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
CREATE INDEX replays_open ON replays (endpoint_id) WHERE done_to < feed_to;
CREATE INDEX replays_key ON replays (endpoint_id, key);

-- The feed over all merchants of a partner, numbered anew without gaps; events of one merchant keep their
-- order. `partner_reached`: up to where each merchant's own feed is in it.
CREATE TABLE hub.partner_closers (
  partner_id uuid PRIMARY KEY,
  number bigint NOT NULL DEFAULT 0
);
CREATE TABLE hub.partner_reached (
  partner_id uuid NOT NULL,
  merchant_id uuid NOT NULL,
  number bigint NOT NULL,
  PRIMARY KEY (partner_id, merchant_id)
);
CREATE TABLE hub.partner_feed (
  partner_id uuid NOT NULL,
  number bigint NOT NULL,
  merchant_id uuid NOT NULL,
  merchant_number bigint NOT NULL,
  PRIMARY KEY (partner_id, number),
  UNIQUE (partner_id, merchant_id, merchant_number)
);

-- What was tried, and what came of it.

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

-- Mail to payers: which notices a merchant wants, and each one that is owed. Who gets it stands with the
-- order's payer, and is read when it is sent. `other_card`, no mail: another card of the payer may be tried.
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
  state text NOT NULL CHECK (state IN ('owed', 'sent', 'refused', 'given_up', 'no_address', 'withheld')),
  units bigint NOT NULL,
  tries int NOT NULL DEFAULT 0,
  why text NOT NULL DEFAULT '',
  business_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  channel text NOT NULL DEFAULT 'mail' CONSTRAINT mails_channel_check CHECK (channel IN ('mail', 'sms')),
  PRIMARY KEY (merchant_id, mail_id),
  UNIQUE (merchant_id, order_id, notice, about),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders
);
CREATE INDEX mails_newest ON mails (merchant_id, mail_id DESC);

-- Mails with a link to pay, and whom they went to: addresses as keyed hashes. One row of an address is locked while a mail
-- to it is about to be sent.
CREATE TABLE contact_addresses (
  merchant_id uuid NOT NULL,
  address_id uuid NOT NULL,
  unsubscribed_at timestamptz,             -- wall time; null: they may be sent
  PRIMARY KEY (merchant_id, address_id)
);

CREATE TABLE contacts (
  merchant_id uuid NOT NULL,
  mail_id uuid NOT NULL,
  order_id uuid NOT NULL,
  address_id uuid NOT NULL,
  contacted_at timestamptz NOT NULL,       -- business time of the first try
  PRIMARY KEY (merchant_id, mail_id)
);
CREATE INDEX contacts_address ON contacts (merchant_id, address_id, contacted_at);
CREATE INDEX contacts_order ON contacts (merchant_id, order_id);
CREATE INDEX contacts_newest ON contacts (merchant_id, contacted_at DESC);
CREATE INDEX contacts_old ON contacts (contacted_at);

-- What the people of a merchant should hear of, once each. Who they are, and who was told, stands with the
-- people; due work `alert` carries it there.
CREATE TABLE alerts (
  merchant_id uuid NOT NULL,
  alert_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN
    ('orders', 'dispute', 'deadline', 'payout', 'settlement', 'webhook', 'go_live',
     'export', 'rate', 'drift', 'uplift', 'backtest', 'processor', 'mandate', 'chain_halted', 'settlement_address', 'address_approval', 'chain_sender') OR kind LIKE '_%._%'),  -- a package's has a dot
  about uuid NOT NULL,                     -- the order, dispute, payout, batch, endpoint, request, route or merchant
  step bigint NOT NULL,                    -- tells what is said about the same thing apart
  facts jsonb NOT NULL,                    -- ids and amounts; no personal data
  user_id uuid,                            -- nobody else hears of it; null: all who may
  created_at timestamptz NOT NULL,         -- wall time
  PRIMARY KEY (merchant_id, alert_id),
  UNIQUE (merchant_id, kind, about, step)
);
CREATE INDEX alerts_age ON alerts (created_at);

-- When a merchant's rescue rate was looked at, and since when it is known to have fallen; the same of the
-- model's chances.
CREATE TABLE rescue_watches (
  merchant_id uuid PRIMARY KEY,
  checked_at timestamptz NOT NULL,         -- wall time; taken before it is counted
  fell_at timestamptz,                     -- wall time; null = not fallen, or it was back since
  drift_checked_at timestamptz,            -- wall time
  drift_told text                          -- the model of which somebody was told; null = none, or it fits again
);
-- When it is computed what the engine brings more than the comparison group.
CREATE TABLE uplift_reports (
  merchant_id uuid PRIMARY KEY,
  due_at timestamptz NOT NULL,             -- wall time; computed again then
  announced text                           -- the finding that the merchant's people heard of last
);
-- What it was at each look, with the cohorts beside it; the last one stands.
CREATE TABLE uplift_history (
  merchant_id uuid NOT NULL,
  business_at timestamptz NOT NULL,        -- from when on it stood; so below
  recorded_at timestamptz NOT NULL,
  made_at timestamptz NOT NULL,            -- wall time of the look
  until timestamptz NOT NULL,              -- business time of the look
  report jsonb NOT NULL,
  PRIMARY KEY (merchant_id, recorded_at, business_at)
);
-- Whether the engine stops by itself once it is shown to do harm; the last line stands.
CREATE TABLE engine_returns (
  merchant_id uuid NOT NULL,
  on_harm boolean NOT NULL,
  recorded_at timestamptz NOT NULL,
  changed_by text NOT NULL,
  business_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, recorded_at, business_at)
);

-- What a policy would have rescued of past payments: what was asked, and the figures once they are made. The newest of a
-- merchant are kept.
CREATE TABLE backtests (
  merchant_id uuid NOT NULL,
  backtest_id uuid NOT NULL,
  question jsonb NOT NULL,                 -- which orders or import, who decides, within which policy
  question_hash bytea NOT NULL,            -- SHA-256 of it: the same question is answered once
  requested_at timestamptz NOT NULL,           -- wall time
  requested_by text NOT NULL,
  saved_as int,                            -- the version of the policy that was saved of these lines
  made_at timestamptz,                     -- wall time; null = not yet
  until timestamptz,                       -- business time up to which windows had closed
  failed text,                             -- a sentence; null = it has figures, or is not made yet
  report jsonb,
  payment_count int NOT NULL DEFAULT 0,
  askers uuid[] NOT NULL DEFAULT '{}',     -- the people who are notified of its figures
  PRIMARY KEY (merchant_id, backtest_id)
);
CREATE INDEX backtests_question ON backtests (merchant_id, question_hash, backtest_id);
-- Each payment with what was done and what the policy would have planned, and why. They are much alike: of a hundred in a
-- row a tenth of the size is left.
CREATE TABLE backtest_payments (
  merchant_id uuid NOT NULL,
  backtest_id uuid NOT NULL,
  first int NOT NULL,                      -- 0, 100, …: the place of the first of them, the latest decline first
  payments jsonb NOT NULL,                 -- an array of up to a hundred
  PRIMARY KEY (merchant_id, backtest_id, first),
  FOREIGN KEY (merchant_id, backtest_id) REFERENCES backtests ON DELETE CASCADE
);

-- What a partner's own people should hear of, once each. A worker tells them, and says so.
CREATE TABLE hub.partner_alerts (
  partner_id uuid NOT NULL,
  alert_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('partner_webhook')),
  about uuid NOT NULL,                     -- the endpoint
  step bigint NOT NULL,                    -- tells what is said about the same thing apart
  facts jsonb NOT NULL,                    -- ids and a host; no personal data
  created_at timestamptz NOT NULL,         -- wall time
  notified_at timestamptz,                     -- wall time; null = nobody may have been told yet
  PRIMARY KEY (partner_id, alert_id),
  UNIQUE (partner_id, kind, about, step)
);
CREATE INDEX partner_alerts_unnotified ON partner_alerts (created_at) WHERE notified_at IS NULL;

-- What training has made, and which of it decides. Nobody changes or deletes a model: what one has decided is
-- decided again with it.
CREATE TABLE directory.models (
  name text PRIMARY KEY,                   -- of its content's hash
  content text NOT NULL,                   -- JSON, as text: each digit of it counts
  sha256 text NOT NULL,
  data_from date NOT NULL,                 -- business time of what it was made from
  data_until date NOT NULL,
  attempts bigint NOT NULL,
  payers bigint NOT NULL,
  held_from timestamptz,                   -- from here on attempts were held out; null: it was not tried
  held_attempts int,
  score double precision,                  -- of the chances it gave them: mean log-loss, the less the better
  compared_with text,                      -- a model, or the plain rates
  compared_score double precision,
  score_error double precision,            -- standard error of the difference
  made_at timestamptz NOT NULL,            -- wall time
  made_by text NOT NULL,
  CHECK (num_nulls(held_from, held_attempts, score, compared_with, compared_score, score_error) IN (0, 6))
);

-- The newest line says which model decides. Of two who choose at once the second finds the number taken.
CREATE TABLE directory.model_choices (
  choice_no bigint PRIMARY KEY,
  name text REFERENCES models,             -- null: none
  back_to bigint REFERENCES model_choices, -- what held before; null: none did
  why text NOT NULL,
  actor text NOT NULL,
  chosen_at timestamptz NOT NULL           -- wall time
);

-- What the nightly training found, one line a night.
CREATE TABLE directory.trainings (
  began_at timestamptz PRIMARY KEY,        -- wall time
  ended_at timestamptz NOT NULL,
  mode text NOT NULL CHECK (mode IN ('candidate', 'take')),  -- whether a better model waits for a person, or decides at once
  result text NOT NULL CHECK (result IN ('taken', 'candidate', 'not_better', 'too_little', 'failed')),
  attempts bigint NOT NULL,                -- that were read
  model text,                              -- what was made, kept or not
  compared_with text,                      -- as of models, with the two scores
  score double precision,
  compared_score double precision,
  note text NOT NULL                       -- what there was too little of, or why it failed
);

-- One row per subject and kind: no duplicates. Business time unless `wall`.
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

-- Who moved a sandbox merchant's clock, and how far: business times, but for `requested_at`.
CREATE TABLE clock_moves (
  merchant_id uuid NOT NULL,
  move_id uuid NOT NULL,                   -- of whoever asks: what comes twice moves once
  requested_at timestamptz NOT NULL,           -- wall time
  actor text NOT NULL,
  request_id text NOT NULL,
  from_at timestamptz NOT NULL,
  target_at timestamptz NOT NULL,
  reached_at timestamptz,                  -- null: it is under way, or did not get there
  PRIMARY KEY (merchant_id, move_id)
);
CREATE INDEX clock_moves_at ON clock_moves (merchant_id, requested_at DESC);

-- Calls to the APIs with a key of the merchant's, forms that its people sent, and pages that they were
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
  why text NOT NULL DEFAULT '',            -- which field was refused and why, without what was sent in it
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

-- Who did what of which no other log tells: only added to. An act's line is written in its transaction.
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

-- One charge a cycle: the n-th falls due at anchor + n x interval.
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

-- Several writes that belong together, in order: each statement writes one table, what it needs is read into variables
-- first, and what is empty is passed by. They run as whoever calls them, inside the caller's transaction.

-- Seals committed postings into the merchant's next page, under the closer's lock; answers how many. Pages are large:
-- how large a set is that was just built is guessed badly, and a nested loop over it would be quadratic. So sets are
-- hashed or merged: each lies between two ids, so that none is more than the page.
CREATE FUNCTION close_page(merchant uuid, most int, wall timestamptz) RETURNS bigint
LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE
  page bigint; previous bytea; next_root bytea;
  ids uuid[]; hashes bytea;
  accounts text[]; assets text[]; places text[]; totals numeric[]; sums jsonb; told text;
  stamped bigint;
BEGIN
  SELECT array_agg(f.posting_id ORDER BY f.posting_id), string_agg(f.content_hash, ''::bytea ORDER BY f.posting_id)
  INTO ids, hashes
  FROM (SELECT p.posting_id, p.content_hash FROM postings p WHERE p.merchant_id = merchant AND p.page_no IS NULL
    ORDER BY p.posting_id LIMIT most) f;
  IF ids IS NULL THEN
    RETURN 0;
  END IF;
  SELECT c.page_no + 1, c.root INTO STRICT page, previous FROM closers c WHERE c.merchant_id = merchant;

  UPDATE postings t SET page_no = page, position = p.position FROM unnest(ids) WITH ORDINALITY AS p (posting_id, position)
  WHERE t.merchant_id = merchant AND t.posting_id BETWEEN ids[1] AND ids[cardinality(ids)]
    AND t.posting_id = p.posting_id;
  GET DIAGNOSTICS stamped = ROW_COUNT;
  IF stamped <> cardinality(ids) THEN
    RAISE EXCEPTION 'postings of a page were sealed by somebody else' USING ERRCODE = 'serialization_failure';
  END IF;

  WITH entered AS MATERIALIZED (
    SELECT p.position, e.posting_id, e.line_no, e.account, e.asset, e.place, e.units
    FROM entries e JOIN unnest(ids) WITH ORDINALITY AS p (posting_id, position) USING (posting_id)
    WHERE e.merchant_id = merchant AND e.posting_id BETWEEN ids[1] AND ids[cardinality(ids)]
  ), numbered AS MATERIALIZED (  -- few, and numbers sort several times as fast as their names
    SELECT account, asset, place, row_number() OVER () AS number
    FROM (SELECT DISTINCT account, asset, place FROM entered) a
  ), e AS MATERIALIZED (
    SELECT posting_id, line_no, account, asset, place, sum(units) OVER (
        PARTITION BY number ORDER BY position, line_no ROWS UNBOUNDED PRECEDING) AS running
    FROM entered JOIN numbered USING (account, asset, place)
  ), stamps AS (
    UPDATE entries t SET balance_after = e.running + coalesce(b.units, 0)
    FROM e LEFT JOIN account_balances b ON b.merchant_id = merchant AND b.account = e.account AND b.asset = e.asset
      AND b.place = e.place
    WHERE t.merchant_id = merchant AND t.posting_id BETWEEN ids[1] AND ids[cardinality(ids)]
      AND t.posting_id = e.posting_id AND t.line_no = e.line_no
    RETURNING t.account, t.asset, t.place, t.units
  ), s AS (
    SELECT account, asset, place, sum(units) AS units FROM stamps GROUP BY 1, 2, 3
  )
  SELECT array_agg(s.account), array_agg(s.asset), array_agg(s.place), array_agg(s.units),
    jsonb_object_agg(s.account || '|' || s.asset || '|' || s.place, s.units),
    string_agg(s.account || '|' || s.asset || '|' || s.place || '=' || s.units, E'\n'
      ORDER BY s.account, s.asset, s.place)
  INTO accounts, assets, places, totals, sums, told
  FROM s;

  INSERT INTO account_balances AS b (merchant_id, account, asset, place, units, page_no)
  SELECT merchant, s.account, s.asset, s.place, s.units, page
  FROM unnest(accounts, assets, places, totals) AS s (account, asset, place, units)
  ON CONFLICT (merchant_id, account, asset, place) DO UPDATE SET units = b.units + EXCLUDED.units,
    page_no = EXCLUDED.page_no;

  next_root := sha256(previous || convert_to(page::text, 'UTF8') || hashes || convert_to(told, 'UTF8'));
  INSERT INTO pages (merchant_id, page_no, prev_root, root, postings, sums, closed_at)
  VALUES (merchant, page, previous, next_root, cardinality(ids), sums, wall);
  UPDATE closers c SET page_no = page, root = next_root WHERE c.merchant_id = merchant;
  RETURN cardinality(ids);
END $$;

-- Numbers committed events and opens the lanes of the endpoints that want them, under the closer's lock; answers how
-- many. Whole subjects, so that a later event of one never passes an earlier one; found by their keys, and marked as
-- they are found, so that what was fed before is not looked at, however much it is. A lane that exists is touched, not
-- passed by: so this waits for whoever is just ending it, and opens it anew. What people hear of is owed with its place
-- in the feed; orders that wait for a person are gathered for a minute.
CREATE FUNCTION feed_events(merchant uuid, most int, wall timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  subjects uuid[];
  nos bigint[]; numbers bigint[]; of_subjects uuid[]; seqs int[]; ids uuid[]; events text[];
BEGIN
  subjects := ARRAY(SELECT DISTINCT s.subject_id FROM (
    SELECT o.subject_id FROM outbox o WHERE o.merchant_id = merchant AND NOT o.fed ORDER BY o.recorded_at LIMIT most) s
    ORDER BY 1);
  IF cardinality(subjects) = 0 THEN
    RETURN 0;
  END IF;

  WITH marked AS (
    UPDATE outbox o SET fed = true
    WHERE o.merchant_id = merchant AND NOT o.fed AND o.subject_id = ANY(subjects)
      AND o.subject_id >= subjects[1] AND o.subject_id <= subjects[cardinality(subjects)]
    RETURNING o.subject_id, o.seq, o.event_id, o.event, o.subject_kind, o.recorded_at
  ), found AS MATERIALIZED (
    SELECT subject_id, seq, event_id, event, min(recorded_at) OVER (PARTITION BY subject_id) AS since,
      subject_kind NOT IN ('stable_order', 'subscription') AS ours
    FROM marked
  ), fresh AS (
    SELECT f.*, c.feed_no + row_number() OVER w AS no,
      CASE WHEN f.ours THEN c.number + count(*) FILTER (WHERE f.ours) OVER w END AS number
    FROM found f, closers c WHERE c.merchant_id = merchant WINDOW w AS (ORDER BY since, subject_id, seq)
  )
  SELECT array_agg(f.no), array_agg(f.number), array_agg(f.subject_id), array_agg(f.seq), array_agg(f.event_id),
    array_agg(f.event)
  INTO nos, numbers, of_subjects, seqs, ids, events
  FROM fresh f;
  IF nos IS NULL THEN
    RETURN 0;
  END IF;

  INSERT INTO feed (merchant_id, feed_no, subject_id, seq, event_id, event, number)
  SELECT merchant, f.no, f.subject_id, f.seq, f.event_id, f.event, f.number
  FROM unnest(nos, of_subjects, seqs, ids, events, numbers) AS f (no, subject_id, seq, event_id, event, number);
  UPDATE closers c SET feed_no = c.feed_no + cardinality(nos),
    number = c.number + cardinality(array_remove(numbers, NULL))
  WHERE c.merchant_id = merchant;

  WITH heard AS MATERIALIZED (
    SELECT * FROM endpoints WHERE merchant_id = merchant AND state = 'active'
    UNION ALL SELECT e.* FROM heard_by_partners p JOIN endpoints e ON e.partner_id = p.partner_id AND e.state = 'active'
    WHERE p.merchant_id = merchant
  )
  INSERT INTO lanes (merchant_id, endpoint_id, lane_id, subject_id, next_seq, due_at)
  SELECT merchant, e.endpoint_id, CASE WHEN e.ordered THEN f.subject_id ELSE f.event_id END AS lane_id, f.subject_id,
    min(f.seq), wall
  FROM unnest(of_subjects, seqs, ids, events, numbers) AS f (subject_id, seq, event_id, event, number)
  JOIN heard e ON f.event = ANY(e.events) AND (e.format <> 'stablecoin') = (f.number IS NOT NULL)
  GROUP BY e.endpoint_id, 3, f.subject_id ORDER BY 2, 3
  ON CONFLICT (merchant_id, endpoint_id, lane_id) DO UPDATE SET next_seq = lanes.next_seq;

  IF events && ARRAY['payment.chargeback.received', 'payout.created', 'payout.updated', 'settlement.closed'] THEN
    INSERT INTO alerts (merchant_id, alert_id, kind, about, step, facts, created_at)
    SELECT merchant, f.event_id, CASE f.event WHEN 'payment.chargeback.received' THEN 'dispute'
      WHEN 'settlement.closed' THEN 'settlement' ELSE 'payout' END, f.subject_id, f.seq, '{}', wall
    FROM unnest(of_subjects, seqs, ids, events) AS f (subject_id, seq, event_id, event)
    WHERE f.event IN ('payment.chargeback.received', 'payout.created', 'payout.updated', 'settlement.closed');
    INSERT INTO due_work (merchant_id, kind, subject_id, due_at, wall)
    SELECT merchant, 'alert', f.event_id, feed_events.wall, true FROM unnest(ids, events) AS f (event_id, event)
    WHERE f.event IN ('payment.chargeback.received', 'payout.created', 'payout.updated', 'settlement.closed')
    ON CONFLICT (merchant_id, kind, subject_id) DO NOTHING;
  END IF;
  IF events && ARRAY['order.problem', 'order.onhold'] THEN
    INSERT INTO due_work (merchant_id, kind, subject_id, due_at, wall)
    VALUES (merchant, 'orders_alert', merchant, feed_events.wall + interval '1 minute', true)
    ON CONFLICT (merchant_id, kind, subject_id) DO NOTHING;
  END IF;
  RETURN cardinality(nos);
END $$;

-- Opens lanes for what stands in the next `numbers` of a replay's feed, under the feed's lock; answers whether there are
-- more. Of each subject the first event that is asked for sends its lane back, in the step in which it stands. A lane
-- that still has that event before it goes on as it is. What the lane was about to send is sent after what is sent again.
CREATE FUNCTION open_lanes(merchant uuid, replay uuid, numbers int, wall timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  r replays; up_to bigint; in_order boolean; stable boolean;
  subjects uuid[]; seqs int[]; ids uuid[];
BEGIN
  SELECT * INTO r FROM replays t
  WHERE t.merchant_id = merchant AND t.replay_id = replay AND t.done_to < t.feed_to FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  up_to := least(r.done_to + numbers, r.feed_to);
  SELECT e.ordered, e.format = 'stablecoin' INTO in_order, stable FROM endpoints e
  WHERE e.endpoint_id = r.endpoint_id AND e.state = 'active';
  SELECT array_agg(f.subject_id), array_agg(f.seq), array_agg(f.event_id) INTO subjects, seqs, ids
  FROM feed f
  JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
    AND (r.at_from IS NULL OR b.business_at >= r.at_from) AND (r.at_to IS NULL OR b.business_at < r.at_to)
  WHERE f.merchant_id = merchant AND f.feed_no > r.done_to AND f.feed_no <= up_to AND f.event = ANY(r.events)
    AND stable = (f.number IS NULL);

  IF ids IS NOT NULL THEN
    INSERT INTO lanes (merchant_id, endpoint_id, lane_id, subject_id, next_seq, due_at, replay_id, live_seq)
    SELECT merchant, r.endpoint_id, f.lane_id, f.subject_id, f.seq, wall, replay, CASE WHEN in_order THEN (
        SELECT max(x.seq) + 1 FROM feed x WHERE x.merchant_id = merchant AND x.subject_id = f.subject_id)
      ELSE f.seq + 1 END
    FROM (
      SELECT CASE WHEN in_order THEN i.subject_id ELSE i.event_id END AS lane_id, i.subject_id, min(i.seq) AS seq
      FROM unnest(subjects, seqs, ids) AS i (subject_id, seq, event_id)
      WHERE NOT in_order OR NOT EXISTS (
        SELECT FROM feed g
        JOIN outbox b ON b.merchant_id = g.merchant_id AND b.subject_id = g.subject_id AND b.seq = g.seq
        WHERE g.merchant_id = merchant AND g.subject_id = i.subject_id AND g.feed_no BETWEEN r.feed_from AND r.done_to
          AND g.event = ANY(r.events) AND (r.at_from IS NULL OR b.business_at >= r.at_from)
          AND (r.at_to IS NULL OR b.business_at < r.at_to))
      GROUP BY 1, 2) f
    ORDER BY f.lane_id
    ON CONFLICT (merchant_id, endpoint_id, lane_id) DO UPDATE SET next_seq = EXCLUDED.next_seq,
      due_at = EXCLUDED.due_at, replay_id = EXCLUDED.replay_id, live_seq = lanes.next_seq, fails = 0, tries = 0
    WHERE lanes.next_seq > EXCLUDED.next_seq;
  END IF;
  UPDATE replays t SET done_to = up_to, found = t.found + coalesce(cardinality(ids), 0)
  WHERE t.merchant_id = merchant AND t.replay_id = replay;
  RETURN up_to < r.feed_to;
END $$;

-- A lane whose event was just tried: where it goes on, if it does. `disable`: why its endpoint takes nothing more.
CREATE TYPE finished_lane AS (
  merchant_id uuid, endpoint_id uuid, lane_id uuid, seq int, fails int, tries int, lease_until timestamptz,
  retry_at timestamptz, disable text, next_seq int, live_seq int, replay_id uuid
);

-- Under the lanes' locks: a lane goes on to its next wanted event, waits for another try, or ends. One that was sent
-- back meanwhile, to send earlier events again, only loses its lease. While it is sent again, what comes next is the
-- next event of the replay, and at last where the lane stood. What an address that was changed meanwhile answered
-- switches nothing off: the new one gets the event.
CREATE FUNCTION finish_lanes(lanes_tried jsonb, wall timestamptz, tries_made jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  finished finished_lane[];
BEGIN
  SELECT array_agg(ROW(i.merchant_id, i.endpoint_id, i.lane_id, i.seq, i.fails, i.tries, i.lease_until, i.retry_at,
    i.disable, s.next_seq, CASE WHEN s.next_seq < l.live_seq THEN l.live_seq END,
    CASE WHEN s.next_seq < l.live_seq THEN l.replay_id END)::finished_lane)
  INTO finished
  FROM (
    SELECT t.merchant_id, t.endpoint_id, t.lane_id, t.subject_id, t.seq, t.fails, t.tries, t.lease_until,
      CASE WHEN e.url = t.url THEN t.disable END AS disable,
      CASE WHEN e.url <> t.url AND t.disable IS NOT NULL THEN wall ELSE t.retry_at END AS retry_at,
      e.state, e.ordered, e.events
    FROM jsonb_to_recordset(lanes_tried) AS t (merchant_id uuid, endpoint_id uuid, lane_id uuid, subject_id uuid,
      seq int, fails int, tries int, lease_until timestamptz, retry_at timestamptz, disable text, url text)
    JOIN endpoints e USING (endpoint_id)) i
  LEFT JOIN lanes l ON l.merchant_id = i.merchant_id AND l.endpoint_id = i.endpoint_id AND l.lane_id = i.lane_id
  CROSS JOIN LATERAL (SELECT CASE WHEN i.state <> 'active' OR i.disable IS NOT NULL THEN NULL
      WHEN i.retry_at IS NOT NULL THEN i.seq
      WHEN i.ordered THEN coalesce((
        SELECT min(f.seq) FROM replays r JOIN feed f ON f.merchant_id = r.merchant_id AND f.subject_id = i.subject_id
          AND f.seq > i.seq AND f.seq < l.live_seq AND f.feed_no BETWEEN r.feed_from AND r.feed_to
          AND f.event = ANY(r.events)
        JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
          AND (r.at_from IS NULL OR b.business_at >= r.at_from) AND (r.at_to IS NULL OR b.business_at < r.at_to)
        WHERE r.merchant_id = i.merchant_id AND r.replay_id = l.replay_id), (
        SELECT min(f.seq) FROM feed f WHERE f.merchant_id = i.merchant_id AND f.subject_id = i.subject_id
          AND f.seq > i.seq AND (l.live_seq IS NULL OR f.seq >= l.live_seq) AND f.event = ANY(i.events)))
    END AS next_seq) s;

  UPDATE lanes l SET lease_until = NULL FROM unnest(finished) n
  WHERE l.merchant_id = n.merchant_id AND l.endpoint_id = n.endpoint_id AND l.lane_id = n.lane_id
    AND l.next_seq <> n.seq AND l.lease_until = n.lease_until AND n.disable IS NULL;
  UPDATE lanes l SET next_seq = n.next_seq, due_at = coalesce(n.retry_at, wall), lease_until = NULL,
    fails = CASE WHEN n.retry_at IS NULL THEN 0 ELSE n.fails END,
    tries = CASE WHEN n.retry_at IS NULL THEN 0 ELSE n.tries END, live_seq = n.live_seq, replay_id = n.replay_id
  FROM unnest(finished) n
  WHERE l.merchant_id = n.merchant_id AND l.endpoint_id = n.endpoint_id AND l.lane_id = n.lane_id
    AND l.next_seq = n.seq AND n.next_seq IS NOT NULL;
  DELETE FROM lanes l USING unnest(finished) n
  WHERE l.merchant_id = n.merchant_id AND l.endpoint_id = n.endpoint_id AND l.lane_id = n.lane_id
    AND l.next_seq = n.seq AND n.next_seq IS NULL;
  IF EXISTS (SELECT FROM unnest(finished) n WHERE n.disable IS NOT NULL) THEN
    DELETE FROM lanes l USING unnest(finished) n
    WHERE n.disable IS NOT NULL AND l.endpoint_id = n.endpoint_id AND l.due_at IS NOT NULL
      AND (l.merchant_id, l.lane_id) NOT IN (SELECT o.merchant_id, o.lane_id FROM unnest(finished) o
        WHERE o.endpoint_id = n.endpoint_id);
  END IF;
  INSERT INTO delivery_tries (merchant_id, try_id, endpoint_id, subject_id, seq, event_id, try_no, at, status, error,
    latency_ms, answer, result, resent)
  SELECT t.merchant_id, t.try_id, t.endpoint_id, t.subject_id, t.seq, t.event_id, t.try_no, t.at, t.status, t.error,
    t.latency_ms, t.answer, t.result, t.resent
  FROM jsonb_populate_recordset(NULL::delivery_tries, tries_made) t;
END $$;

-- A copy of each transaction the merchant processed; learning data, and evidence for the gate.
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
  facts jsonb NOT NULL,                    -- no personal data; its texts go with an erasure
  outcome jsonb NOT NULL DEFAULT '{}',     -- what a later update told: outcome, refund, chargeback
  updated_at timestamptz,
  PRIMARY KEY (merchant_id, transmit_id)
) PARTITION BY RANGE (transmit_id);
CREATE INDEX transmissions_order ON transmissions (merchant_id, external_id);
CREATE INDEX transmissions_payer ON transmissions (merchant_id, payer_id, transmit_id) WHERE payer_id IS NOT NULL;

-- What comes in is kept. As in `90_functions.sql` each statement writes one table.

-- Cards and, where they came with one, their codes: rows of vault and cvv_once.
CREATE FUNCTION store_cards(cards jsonb, codes jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO vault (merchant_id, token_id, pan_id, magic, scheme, bin, last4, exp_month, exp_year, kek_id, wrapped_dek,
    nonce, ciphertext, created_at, issuer_digits)
  SELECT merchant_id, token_id, pan_id, magic, scheme, bin, last4, exp_month, exp_year, kek_id, wrapped_dek, nonce,
    ciphertext, created_at, issuer_digits
  FROM jsonb_populate_recordset(NULL::vault, cards)
  ON CONFLICT DO NOTHING;
  IF codes <> '[]' THEN
    INSERT INTO cvv_once (merchant_id, token_id, kek_id, wrapped_dek, nonce, ciphertext, created_at)
    SELECT merchant_id, token_id, kek_id, wrapped_dek, nonce, ciphertext, created_at
    FROM jsonb_populate_recordset(NULL::cvv_once, codes)
    ON CONFLICT DO NOTHING;
  END IF;
END $$;

-- Transmissions; one that touches an order that was sent to us also leaves due work. One that came before is worked on
-- once more at most: that changes nothing. Its first WHERE is true: see `write_changes`.
CREATE FUNCTION add_transmissions(told jsonb) RETURNS TABLE (transmit uuid, touches boolean) LANGUAGE plpgsql AS $$
DECLARE
  ids uuid[]; linked boolean[];
BEGIN
  SELECT array_agg(i.transmit_id), array_agg(
    EXISTS (SELECT FROM order_refs f WHERE f.merchant_id = i.merchant_id AND f.door = 'rescue'
      AND f.external_id = i.external_id)
    OR ((NOT i.is_declined OR i.revokes) AND EXISTS (SELECT FROM order_payer p
      WHERE p.merchant_id = i.merchant_id AND p.payer_id = i.payer_id)))
  INTO ids, linked
  FROM jsonb_to_recordset(told) AS i (merchant_id uuid, transmit_id uuid, external_id text, is_declined boolean,
    revokes boolean, payer_id uuid)
  WHERE i.transmit_id = ANY (ARRAY[i.transmit_id]);

  INSERT INTO transmissions (merchant_id, transmit_id, external_id, transaction_id, is_declined, is_mit, units, asset,
    code_source, code, bin, last4, payer_id, transacted_at, received_at, facts)
  SELECT merchant_id, transmit_id, external_id, transaction_id, is_declined, is_mit, units, asset, code_source, code,
    bin, last4, payer_id, transacted_at, received_at, facts
  FROM jsonb_populate_recordset(NULL::transmissions, told)
  ON CONFLICT DO NOTHING;
  INSERT INTO payers (merchant_id, payer_id, email, phone, name, external_id, first_seen_at)
  SELECT DISTINCT ON (merchant_id, payer_id) merchant_id, payer_id, email, phone, name, payer_external_id, business_at
  FROM jsonb_to_recordset(told) AS i (merchant_id uuid, payer_id uuid, email text, phone text, name text,
    payer_external_id text, business_at timestamptz)
  WHERE payer_id IS NOT NULL ORDER BY merchant_id, payer_id
  ON CONFLICT DO NOTHING;
  IF true = ANY (linked) THEN
    INSERT INTO due_work (merchant_id, kind, subject_id, due_at)
    SELECT i.merchant_id, 'transmission', i.transmit_id, i.business_at
    FROM jsonb_to_recordset(told) AS i (merchant_id uuid, transmit_id uuid, business_at timestamptz)
    JOIN unnest(ids, linked) AS l (transmit_id, linked) USING (transmit_id) WHERE l.linked
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN QUERY SELECT * FROM unnest(ids, linked);
END $$;

-- An order that is being admitted, with the card of its token.
CREATE TYPE admitted_order AS (
  merchant_id uuid, order_id uuid, key text, input_mac bytea, answer jsonb, door text, kind text, order_type text,
  source text, external_id text, generation int, site_id uuid, campaign_id uuid, descriptor text, asset text,
  units bigint, amount_text text, token_id uuid, transaction_id text, placed_at timestamptz, expires_at timestamptz,
  facts jsonb, actor text, request_id text, recorded_at timestamptz, event_id uuid, event jsonb, due_at timestamptz,
  payer_id uuid, first_name text, last_name text, email text, phone text, ip text, billing jsonb, shipping jsonb,
  payer_external_id text, search text, stage text, happening text, status smallint, operation text, subject_kind text,
  due_kind text, attempt_id uuid, channel text, decided boolean, arm text, arm_version int, card_id uuid, pan_id uuid,
  last4 text, scheme text, bin text, arm_share smallint
);

-- Admits orders; answers those that now exist, each with its card. Writes nothing for a row whose key or order id is
-- known, whose token is unknown (stablecoin orders have none), or whose merchant has changed since it was read: those
-- get no line in the answer and take the slow way. When another call wins a race between the two uniqueness checks, all
-- is undone, so that a key never stands without its order. Of one that is `decided` later in the same transaction, head
-- and due work are written with what was decided. `recent`: transmissions from this id on are looked at for a success
-- that came before its decline. Its first WHERE is true: see `write_changes`.
CREATE FUNCTION admit_orders(given jsonb, recent uuid)
RETURNS TABLE (admitted uuid, card uuid, pan uuid, card_scheme text, card_bin text) LANGUAGE plpgsql AS $$
DECLARE
  fresh admitted_order[]; kept bigint; undecided boolean; stable boolean;
BEGIN
  SELECT array_agg(ROW(
    i.merchant_id, i.order_id, i.key, i.input_mac, i.answer, i.door, i.kind, i.order_type, i.source, i.external_id,
    i.generation, i.site_id, i.campaign_id, i.descriptor, i.asset, i.units, i.amount_text, i.token_id,
    i.transaction_id, i.placed_at, i.expires_at, i.facts, i.actor, i.request_id, i.recorded_at, i.event_id, i.event,
    i.due_at, i.payer_id, i.first_name, i.last_name, i.email, i.phone, i.ip, i.billing, i.shipping,
    i.payer_external_id, i.search, i.stage, i.happening, i.status, i.operation, i.subject_kind, i.due_kind,
    i.attempt_id, i.channel, i.decided, i.arm, i.arm_version,
    CASE WHEN v.magic IS NOT NULL THEN md5(i.order_id::text || v.pan_id::text)::uuid ELSE v.pan_id END, v.pan_id,
    v.last4, v.scheme, v.bin, i.arm_share)::admitted_order), bool_or(i.decided IS NOT TRUE), bool_or(i.attempt_id IS NOT NULL)
  INTO fresh, undecided, stable
  FROM jsonb_to_recordset(given) AS i (
    merchant_id uuid, merchant_version int, order_id uuid, key text, input_mac bytea, answer jsonb, door text,
    kind text, order_type text, source text, external_id text, generation int, site_id uuid, campaign_id uuid,
    descriptor text, asset text, units bigint, amount_text text, token_id uuid, transaction_id text,
    placed_at timestamptz, expires_at timestamptz, facts jsonb, actor text, request_id text, recorded_at timestamptz,
    event_id uuid, event jsonb, due_at timestamptz, payer_id uuid, first_name text, last_name text, email text,
    phone text, ip text, billing jsonb, shipping jsonb, payer_external_id text, search text, stage text,
    happening text, status smallint, operation text, subject_kind text, due_kind text, attempt_id uuid, channel text,
    decided boolean, arm text, arm_version int, arm_share smallint)
  JOIN merchants m ON m.merchant_id = i.merchant_id AND m.version = i.merchant_version
  LEFT JOIN vault v ON v.merchant_id = i.merchant_id AND v.token_id = i.token_id
  WHERE i.order_id = ANY (ARRAY[i.order_id])
    AND (v.token_id IS NOT NULL OR i.kind = 'stable')
    AND NOT EXISTS (SELECT FROM requests r
      WHERE r.merchant_id = i.merchant_id AND r.operation = i.operation AND r.key = i.key)
    AND NOT EXISTS (SELECT FROM order_refs f WHERE f.merchant_id = i.merchant_id AND f.door = i.door
      AND f.external_id = i.external_id AND f.generation >= i.generation);
  IF fresh IS NULL THEN
    RETURN;
  END IF;

  INSERT INTO requests (merchant_id, operation, key, input_mac, subject_id, state, answer, created_at)
  SELECT merchant_id, operation, key, input_mac, order_id, 'answered', answer, recorded_at
  FROM unnest(fresh) ORDER BY merchant_id, key
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS kept = ROW_COUNT;
  IF kept <> cardinality(fresh) THEN  -- some keys came twice: each stands for one order
    SELECT array_agg(f) INTO fresh FROM unnest(fresh) f
    JOIN requests r ON r.merchant_id = f.merchant_id AND r.operation = f.operation AND r.key = f.key
      AND r.subject_id = f.order_id;
    IF fresh IS NULL THEN
      RETURN;
    END IF;
  END IF;
  INSERT INTO order_refs (merchant_id, door, external_id, generation, order_id)
  SELECT merchant_id, door, external_id, generation, order_id FROM unnest(fresh) ORDER BY 1, 2, 3
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS kept = ROW_COUNT;
  IF kept <> cardinality(fresh) THEN
    RAISE EXCEPTION 'another call took an order id in between';
  END IF;

  INSERT INTO order_log (merchant_id, order_id, seq, happening, src, dst, body, actor, request_id, business_at,
    recorded_at)
  SELECT merchant_id, order_id, 1, happening, 'new', stage, '{}', actor, request_id, placed_at, recorded_at
  FROM unnest(fresh);
  INSERT INTO orders (merchant_id, order_id, stage, version, door, kind, external_id, generation, site_id,
    campaign_id, descriptor, asset, units, amount_text, token_id, card_id, pan_id, transaction_id, placed_at,
    expires_at, facts, arm, arm_version, arm_share)
  SELECT merchant_id, order_id, stage, 1, door, kind, external_id, generation, site_id, campaign_id, descriptor, asset,
    units, amount_text, token_id, card_id, pan_id, transaction_id, placed_at, expires_at, facts,
    arm, arm_version, arm_share
  FROM unnest(fresh);
  IF undecided THEN
    INSERT INTO order_heads (merchant_id, order_id, placed_at, created_at, status, order_type, source, door, site_id,
      asset, units, expires_at, descriptor, campaign_id, decline_code, decline_source, card_scheme, card_bin)
    SELECT merchant_id, order_id, placed_at, CASE WHEN status <> 0 THEN placed_at END, status, order_type, source, door,
      site_id, asset, units, expires_at, descriptor, campaign_id, coalesce(facts -> 'decline' ->> 'code', ''),
      lower(coalesce(facts -> 'decline' ->> 'source', '')), coalesce(scheme, ''), coalesce(bin, '')
    FROM unnest(fresh) WHERE decided IS NOT TRUE;
    INSERT INTO due_work (merchant_id, kind, subject_id, due_at)
    SELECT merchant_id, due_kind, order_id, due_at FROM unnest(fresh) WHERE decided IS NOT TRUE;
  END IF;
  INSERT INTO payers (merchant_id, payer_id, email, phone, name, external_id, first_seen_at)
  SELECT DISTINCT ON (merchant_id, payer_id) merchant_id, payer_id, email, phone, trim(first_name || ' ' || last_name),
    payer_external_id, placed_at
  FROM unnest(fresh) WHERE payer_id IS NOT NULL ORDER BY merchant_id, payer_id
  ON CONFLICT DO NOTHING;
  INSERT INTO order_payer (merchant_id, order_id, payer_id, first_name, last_name, email, phone, ip, billing, shipping)
  SELECT merchant_id, order_id, payer_id, first_name, last_name, email, phone, ip, billing, shipping FROM unnest(fresh);
  INSERT INTO order_search (merchant_id, order_id, placed_at, text)
  SELECT merchant_id, order_id, placed_at, concat_ws(' ', search, last4) FROM unnest(fresh);
  INSERT INTO outbox (merchant_id, subject_id, seq, subject_kind, event_id, event, body, business_at, recorded_at)
  SELECT merchant_id, order_id, 1, subject_kind, event_id, 'order.submitted', event, placed_at,
    recorded_at
  FROM unnest(fresh);
  IF stable THEN  -- what a stablecoin order waits for
    INSERT INTO attempts (merchant_id, attempt_id, order_id, attempt_no, state, ladder, due_at, route, units, asset,
      initiator)
    SELECT merchant_id, attempt_id, order_id, 1, 'planned', 'payment', placed_at, channel, units, asset, 'payer'
    FROM unnest(fresh) WHERE attempt_id IS NOT NULL;
    -- Where they are paid, of those on a chain.
    INSERT INTO deposit_addresses (address, kind, merchant_id, order_id, attempt_id, channel, terms, due, enough,
      expires_at, watched_until)
    SELECT decode(c ->> 'raw', 'hex'), c ->> 'kind', f.merchant_id, f.order_id, f.attempt_id, f.channel, c -> 'terms',
      (c ->> 'due')::numeric, (c ->> 'enough')::numeric, (c ->> 'expires_at')::timestamptz, (c ->> 'watched_until')::timestamptz
    FROM unnest(fresh) f CROSS JOIN LATERAL (SELECT f.facts -> 'chain' AS c) t WHERE c IS NOT NULL;
  END IF;
  -- A later success of the same payment that was transmitted first.
  INSERT INTO due_work (merchant_id, kind, subject_id, due_at)
  SELECT a.merchant_id, 'transmission', t.transmit_id, a.placed_at
  FROM unnest(fresh) a JOIN transmissions t ON t.merchant_id = a.merchant_id AND t.external_id = a.external_id
  WHERE t.transmit_id >= recent AND NOT coalesce((t.outcome ->> 'is_declined')::boolean, t.is_declined)
    AND t.transacted_at > (a.facts -> 'decline' ->> 'at')::timestamptz
  ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT f.order_id, f.card_id, f.pan_id, f.scheme, f.bin FROM unnest(fresh) f;
END $$;

-- Counts orders whose customers wait under their names, and answers what was there before: of each name how many other
-- orders came within the hour, the day and the week, and how many other cards within the day; how often this customer
-- paid with this card; the median of the merchant's last payments in the currency; and the processor's newest risk of the
-- card. Of each name at most 50 rows are read, however many there are. Its first WHERE is true: see `write_changes`.
CREATE FUNCTION note_sightings(given jsonb) RETURNS TABLE (sighted uuid, seen jsonb, paid int, usual bigint, risk text)
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO risk_sightings (merchant_id, kind, name, subject, pan_id, at)
  SELECT i.merchant_id, n.key, n.value::uuid, i.subject, o.pan_id, i.at
  FROM jsonb_to_recordset(given) AS i (merchant_id uuid, order_id uuid, subject uuid, at timestamptz, names jsonb)
  JOIN orders o ON o.merchant_id = i.merchant_id AND o.order_id = i.order_id
  CROSS JOIN LATERAL jsonb_each_text(i.names || jsonb_build_object('card', o.pan_id)) n
  WHERE i.order_id = ANY (ARRAY[i.order_id]) AND o.pan_id IS NOT NULL
  ORDER BY 1, 2, 3, 4, 5
  ON CONFLICT DO NOTHING;
  RETURN QUERY
  SELECT i.order_id,
    coalesce((SELECT jsonb_object_agg(n.key, (
        SELECT jsonb_build_object(
          'hour', count(DISTINCT s.subject) FILTER (WHERE s.subject <> i.subject AND s.at > i.at - interval '1 hour'),
          'day', count(DISTINCT s.subject) FILTER (WHERE s.subject <> i.subject AND s.at > i.at - interval '1 day'),
          'week', count(DISTINCT s.subject) FILTER (WHERE s.subject <> i.subject),
          'cards', count(DISTINCT s.pan_id) FILTER (WHERE s.pan_id <> o.pan_id AND s.at > i.at - interval '1 day'))
        FROM (SELECT r.subject, r.pan_id, r.at FROM risk_sightings r
          WHERE r.merchant_id = i.merchant_id AND r.kind = n.key AND r.name = n.value::uuid
            AND r.at > i.at - interval '7 days' ORDER BY r.at DESC LIMIT 50) s))
      FROM jsonb_each_text(i.names || jsonb_build_object('card', o.pan_id)) n WHERE o.pan_id IS NOT NULL), '{}'),
    (SELECT count(*)::int FROM (
      SELECT FROM (SELECT p.order_id FROM order_payer p
          WHERE p.merchant_id = i.merchant_id AND p.payer_id = i.payer_id AND p.order_id < i.order_id
          ORDER BY p.order_id DESC LIMIT 50) p
      JOIN orders b ON b.merchant_id = i.merchant_id AND b.order_id = p.order_id
      WHERE b.pan_id = o.pan_id AND b.stage = 'completed' AND b.placed_at < i.placed_at - interval '7 days'
        AND NOT EXISTS (SELECT FROM disputes d WHERE d.merchant_id = i.merchant_id AND d.order_id = b.order_id)
      LIMIT 20) before),
    (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY h.units) FROM (
        SELECT r.units, r.asset FROM order_heads r WHERE r.merchant_id = i.merchant_id
        ORDER BY r.placed_at DESC, r.order_id DESC LIMIT 100) h
      WHERE h.asset = i.asset HAVING count(*) >= 10),
    (SELECT c.risk_level FROM card_results c WHERE c.merchant_id = i.merchant_id AND c.pan_id = o.pan_id
      AND c.risk_at > i.placed_at - interval '90 days')
  FROM jsonb_to_recordset(given) AS i (merchant_id uuid, order_id uuid, subject uuid, payer_id uuid, asset text,
    at timestamptz, placed_at timestamptz, names jsonb)
  JOIN orders o ON o.merchant_id = i.merchant_id AND o.order_id = i.order_id
  WHERE i.order_id = ANY (ARRAY[i.order_id]);
END $$;

-- What a processor says anew of a card that it keeps; null: nothing. Of one that was erased nothing is kept again.
CREATE FUNCTION renew_method(merchant uuid, method uuid, month smallint, year smallint, digits text, id text, print text,
  kind text, land text, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE stored_methods s SET reference = coalesce(id, s.reference), fingerprint = coalesce(print, s.fingerprint),
    funding = coalesce(kind, s.funding), country = coalesce(land, s.country), described_at = at
  WHERE s.merchant_id = merchant AND s.method_id = method AND s.reference <> '';
  IF FOUND THEN
    UPDATE vault v SET exp_month = coalesce(month, v.exp_month), exp_year = coalesce(year, v.exp_year),
      last4 = coalesce(digits, v.last4)
    WHERE v.merchant_id = merchant AND v.token_id = method AND v.kek_id IS NULL;
  END IF;
END $$;

-- A person's data is erased. As in `90_functions.sql` each statement writes one table.

-- Of the cards of these orders those that no other order has whose customer is not erased.
CREATE FUNCTION cards_of_nobody_else(merchant uuid, erased uuid[]) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
DECLARE
  cards uuid[] := ARRAY(SELECT DISTINCT pan_id FROM orders
    WHERE merchant_id = merchant AND order_id = ANY(erased) AND pan_id IS NOT NULL);
BEGIN
  RETURN ARRAY(SELECT c.pan_id FROM unnest(cards) AS c (pan_id) WHERE NOT EXISTS (
    SELECT FROM orders o LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
    WHERE o.merchant_id = merchant AND o.pan_id::text = c.pan_id::text AND o.order_id <> ALL(erased)
      AND p.forgotten IS NOT TRUE));
END $$;

-- Everything in words that stands beside these orders, which are locked. What remains to be searched by are references.
CREATE FUNCTION erase_orders(merchant uuid, erased uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  -- Of the cards that a processor keeps those that no other order has, likewise.
  methods uuid[] := ARRAY(SELECT DISTINCT e.token_id FROM orders e
    WHERE e.merchant_id = merchant AND e.order_id = ANY(erased) AND e.token_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM orders o LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
      WHERE o.merchant_id = merchant AND o.pan_id::text = e.pan_id::text AND o.token_id = e.token_id
        AND o.order_id <> ALL(erased) AND p.forgotten IS NOT TRUE));
BEGIN
  UPDATE order_payer SET first_name = '', last_name = '', email = '', phone = '', ip = '', billing = NULL,
    shipping = NULL, forgotten = true
  WHERE merchant_id = merchant AND order_id = ANY(erased);
  UPDATE orders SET metadata = '{}',
    facts = facts - '{subject,description,metadata,return_url,cancel_url,sense_key,correlation_id}'::text[]
      || CASE WHEN facts #> '{decline,text}' IS NULL THEN '{}'
        ELSE jsonb_build_object('decline', facts -> 'decline' || '{"text": ""}') END || CASE WHEN facts ? 'items'
      THEN jsonb_build_object('items', (SELECT jsonb_agg(item - '{name,description}'::text[] ORDER BY n)
        FROM jsonb_array_elements(facts -> 'items') WITH ORDINALITY AS i (item, n))) ELSE '{}' END
  WHERE merchant_id = merchant AND order_id = ANY(erased);
  -- A sandbox's test method that names no customer is everybody's.
  UPDATE stored_methods s SET reference = '', customer = NULL, fingerprint = NULL
  WHERE s.merchant_id = merchant AND s.method_id = ANY(methods) AND (s.customer IS NOT NULL OR NOT EXISTS (
    SELECT FROM vault v WHERE v.merchant_id = merchant AND v.token_id = s.method_id AND v.magic IS NOT NULL));
  UPDATE order_notes SET text = '' WHERE merchant_id = merchant AND order_id = ANY(erased) AND text <> '';
  UPDATE order_words SET text = '' WHERE merchant_id = merchant AND order_id = ANY(erased) AND text <> '';
  UPDATE modifications SET message = '', hand_note = left(hand_note, 0)
  WHERE merchant_id = merchant AND order_id = ANY(erased) AND (message <> '' OR hand_note <> '');
  UPDATE refund_requests SET message = '', reason = ''
  WHERE merchant_id = merchant AND order_id = ANY(erased) AND (message <> '' OR reason <> '');
  UPDATE dispute_notes n SET text = '' FROM disputes d
  WHERE d.merchant_id = merchant AND d.order_id = ANY(erased)
    AND n.merchant_id = d.merchant_id AND n.dispute_id = d.dispute_id AND n.text <> '';
  UPDATE dispute_files n SET name = '', sha256 = '', sealed = NULL FROM disputes d
  WHERE d.merchant_id = merchant AND d.order_id = ANY(erased)
    AND n.merchant_id = d.merchant_id AND n.dispute_id = d.dispute_id AND n.sealed IS NOT NULL;
  UPDATE card_joins SET reason = '', evidence = ''
  WHERE merchant_id = merchant AND (first_order = ANY(erased) OR second_order = ANY(erased));
  UPDATE reconciliation_lines SET note = '' WHERE merchant_id = merchant AND order_id = ANY(erased) AND note <> '';
  UPDATE delivery_tries SET answer = '' WHERE merchant_id = merchant AND subject_id = ANY(erased) AND answer <> '';
  UPDATE order_search s
  SET text = lower(concat_ws(' ', nullif(o.external_id, ''), nullif(o.transaction_id, ''), v.last4))
  FROM orders o LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
  WHERE o.merchant_id = merchant AND o.order_id = ANY(erased)
    AND s.merchant_id = o.merchant_id AND s.order_id = o.order_id;
END $$;

-- Subscriptions go on under their ids and amounts. Of what was told of a transaction, and later about it, texts go. When
-- they paid is known of what comes from now on.
CREATE FUNCTION erase_payer(merchant uuid, payer uuid, from_now_on uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE subscriptions SET title = '', facts = '{}' WHERE merchant_id = merchant AND customer_id = payer;
  INSERT INTO payer_looks (merchant_id, payer_id, since) VALUES (merchant, payer, from_now_on)
  ON CONFLICT (merchant_id, payer_id) DO UPDATE SET at = '{}', answers = '{}', tries = '{}', orders = '{}',
    since = EXCLUDED.since;
  UPDATE transmissions SET facts = facts - '{source,type,processor,site_url,subscription}'::text[],
    outcome = coalesce((SELECT jsonb_object_agg(key, CASE jsonb_typeof(value) WHEN 'object'
      THEN value - '{reason,id,status}'::text[] WHEN 'string' THEN '""' ELSE value END) FROM jsonb_each(outcome)), '{}')
  WHERE merchant_id = merchant AND payer_id = payer;
  UPDATE payers SET email = NULL, phone = NULL, name = NULL, external_id = NULL
  WHERE merchant_id = merchant AND payer_id = payer;
END $$;

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

-- Everything that a transaction changes about its locked orders: log, stage, heads, attempts, modifications, ledger, outbox,
-- due work, decisions and the gate's answers. As in `90_functions.sql` each statement writes one table; a log line comes
-- before the order that points at it. Rows come by their table as JSON; the ledger's come in large sets, which cost the
-- server two thirds of that as arrays. What was due is done before what is due is written: of one kind both may come.
-- `ANY (ARRAY[i.merchant_id])` is true of every row, but the planner takes it to leave one of the hundred that it
-- supposes in a JSON. So rows are always looked up by their keys: a plan made while the table was small reads all of
-- it, and a connection keeps its plan while the table grows.
CREATE FUNCTION write_changes(
  changed jsonb,
  posting_merchants uuid[], posting_ids uuid[], source_kinds text[], source_ids uuid[], recipes text[],
  posting_orders uuid[], content_hashes bytea[], business_times timestamptz[], recorded_times timestamptz[],
  entry_merchants uuid[], entry_postings uuid[], line_nos smallint[], accounts text[], assets text[], places text[],
  amounts bigint[], available_times timestamptz[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF changed ? 'order_log' THEN
    INSERT INTO order_log (merchant_id, order_id, seq, happening, src, dst, fact_kind, fact_id, body, actor,
      request_id, business_at, recorded_at, decision_id)
    SELECT merchant_id, order_id, seq, happening, src, dst, fact_kind, fact_id, body, actor, request_id, business_at,
      recorded_at, decision_id
    FROM jsonb_populate_recordset(NULL::order_log, changed -> 'order_log');
  END IF;
  IF changed ? 'order_words' THEN
    INSERT INTO order_words (merchant_id, order_id, seq, text)
    SELECT merchant_id, order_id, seq, text FROM jsonb_populate_recordset(NULL::order_words, changed -> 'order_words');
  END IF;
  IF changed ? 'orders' THEN
    UPDATE orders o SET stage = i.stage, version = i.version, token_id = coalesce(i.token_id, o.token_id),
      card_id = coalesce(i.card_id, o.card_id), pan_id = coalesce(i.pan_id, o.pan_id),
      expires_at = coalesce(i.expires_at, o.expires_at), cards_before = coalesce(i.cards_before, o.cards_before),
      do_not_retry = coalesce(i.do_not_retry, o.do_not_retry), metadata = coalesce(i.metadata, o.metadata)
    FROM jsonb_to_recordset(changed -> 'orders') AS i (merchant_id uuid, order_id uuid, stage text, version int,
      token_id uuid, card_id uuid, pan_id uuid, expires_at timestamptz, cards_before uuid[], do_not_retry boolean,
      metadata jsonb)
    WHERE o.merchant_id = i.merchant_id AND o.order_id = i.order_id
      AND i.merchant_id = ANY (ARRAY[i.merchant_id]);
  END IF;
  IF changed ? 'order_heads' THEN
    UPDATE order_heads h SET created_at = i.created_at, status = i.status, units = i.units,
      refunded_units = i.refunded_units,
      disputed = i.disputed, attempts = i.attempts, next_attempt_at = i.next_attempt_at, reason = i.reason,
      attention = i.attention, expires_at = coalesce(i.expires_at, h.expires_at)
    FROM jsonb_populate_recordset(NULL::order_heads, changed -> 'order_heads') AS i
    WHERE h.merchant_id = i.merchant_id AND h.order_id = i.order_id
      AND i.merchant_id = ANY (ARRAY[i.merchant_id]);
  END IF;
  IF changed ? 'new_heads' THEN
    INSERT INTO order_heads (merchant_id, order_id, created_at, status, units, refunded_units, disputed, attempts,
      next_attempt_at, reason, attention, expires_at, placed_at, order_type, source, door, site_id, asset, descriptor,
      campaign_id, decline_code, decline_source, card_scheme, card_bin)
    SELECT merchant_id, order_id, created_at, status, units, refunded_units, disputed, attempts, next_attempt_at,
      reason, attention, expires_at, placed_at, order_type, source, door, site_id, asset, descriptor, campaign_id,
      decline_code, decline_source, card_scheme, card_bin
    FROM jsonb_populate_recordset(NULL::order_heads, changed -> 'new_heads');
  END IF;
  IF changed ? 'attempts' THEN
    INSERT INTO attempts AS a (merchant_id, attempt_id, order_id, attempt_no, state, ladder, due_at, route, units,
      asset, initiator, sent_at, send_before, call_timeout_ms, sends, not_found, if_late, reference,
      network_transaction_id, scheme_code, advice_code, processor_code, klass, code_reason, latency_ms, closed_at,
      decision_id, card_last4, when_due, checks, retries_itself_at, consent, authentication, network_token_id, key)
    SELECT merchant_id, attempt_id, order_id, attempt_no, state, ladder, due_at, route, units, asset, initiator,
      sent_at, send_before, call_timeout_ms, sends, not_found, if_late, reference, network_transaction_id,
      scheme_code, advice_code, processor_code, klass, code_reason, latency_ms, closed_at, decision_id, card_last4,
      when_due, checks, retries_itself_at, consent, authentication, network_token_id, key
    FROM jsonb_populate_recordset(NULL::attempts, changed -> 'attempts')
    ON CONFLICT (merchant_id, attempt_id) DO UPDATE SET state = EXCLUDED.state, due_at = EXCLUDED.due_at,
      units = EXCLUDED.units,
      route = EXCLUDED.route, sent_at = EXCLUDED.sent_at, send_before = EXCLUDED.send_before,
      call_timeout_ms = EXCLUDED.call_timeout_ms, sends = EXCLUDED.sends, not_found = EXCLUDED.not_found,
      if_late = EXCLUDED.if_late, reference = EXCLUDED.reference,
      network_transaction_id = EXCLUDED.network_transaction_id, scheme_code = EXCLUDED.scheme_code,
      advice_code = EXCLUDED.advice_code, processor_code = EXCLUDED.processor_code, klass = EXCLUDED.klass,
      code_reason = EXCLUDED.code_reason, latency_ms = EXCLUDED.latency_ms, closed_at = EXCLUDED.closed_at,
      decision_id = EXCLUDED.decision_id, card_last4 = EXCLUDED.card_last4, when_due = EXCLUDED.when_due,
      checks = EXCLUDED.checks, retries_itself_at = EXCLUDED.retries_itself_at, consent = EXCLUDED.consent,
      authentication = EXCLUDED.authentication, network_token_id = EXCLUDED.network_token_id, key = EXCLUDED.key;
  END IF;
  IF changed ? 'card_results' THEN
    INSERT INTO card_results AS c (merchant_id, pan_id, approvals, first_network_id, first_at, latest_network_id,
      latest_at, risk_score, risk_level, risk_at)
    SELECT merchant_id, pan_id, sum(approvals), (array_agg(first_network_id ORDER BY first_at))[1], min(first_at),
      (array_agg(latest_network_id ORDER BY latest_at DESC NULLS LAST))[1], max(latest_at),
      (array_agg(risk_score ORDER BY risk_at DESC NULLS LAST))[1],
      (array_agg(risk_level ORDER BY risk_at DESC NULLS LAST))[1], max(risk_at)
    FROM jsonb_populate_recordset(NULL::card_results, changed -> 'card_results')
    GROUP BY merchant_id, pan_id ORDER BY merchant_id, pan_id
    ON CONFLICT (merchant_id, pan_id) DO UPDATE SET approvals = c.approvals + EXCLUDED.approvals,
      first_network_id = coalesce(c.first_network_id, EXCLUDED.first_network_id),
      first_at = coalesce(c.first_at, EXCLUDED.first_at),
      (latest_network_id, latest_at) = (SELECT i.id, i.at FROM (VALUES (c.latest_network_id, c.latest_at),
        (EXCLUDED.latest_network_id, EXCLUDED.latest_at)) i (id, at) ORDER BY i.at DESC NULLS LAST LIMIT 1),
      (risk_score, risk_level, risk_at) = (SELECT i.score, i.level, i.at FROM (VALUES
        (c.risk_score, c.risk_level, c.risk_at), (EXCLUDED.risk_score, EXCLUDED.risk_level, EXCLUDED.risk_at))
        i (score, level, at) ORDER BY i.at DESC NULLS LAST LIMIT 1);
  END IF;
  IF changed ? 'modifications' THEN
    INSERT INTO modifications AS m (merchant_id, modification_id, order_id, modification_no, kind, attempt_id, state,
      units, asset, message, items, input_mac, tries, send_before, not_found, reference, processor_code, business_at,
      actor, send_id, hand_note, hand_actor, approved_by, unsent, final_part, piece_of, key, send_key)
    SELECT merchant_id, modification_id, order_id, modification_no, kind, attempt_id, state, units, asset, message,
      items, input_mac, tries, send_before, not_found, reference, processor_code, business_at, actor, send_id,
      hand_note, hand_actor, approved_by, unsent, final_part, piece_of, key, send_key
    FROM jsonb_populate_recordset(NULL::modifications, changed -> 'modifications')
    ON CONFLICT (merchant_id, modification_id) DO UPDATE SET state = EXCLUDED.state, tries = EXCLUDED.tries,
      send_before = EXCLUDED.send_before, not_found = EXCLUDED.not_found, reference = EXCLUDED.reference,
      processor_code = EXCLUDED.processor_code, send_id = EXCLUDED.send_id, hand_note = EXCLUDED.hand_note,
      hand_actor = EXCLUDED.hand_actor, unsent = EXCLUDED.unsent, key = EXCLUDED.key,
      send_key = EXCLUDED.send_key;
  END IF;
  IF changed ? 'refund_requests' THEN
    INSERT INTO refund_requests AS q (merchant_id, request_id, order_id, state, units, asset, message, items,
      input_mac, requested_by, requested_role, requested_at, expires_at, decided_by, decided_at, reason)
    SELECT merchant_id, request_id, order_id, state, units, asset, message, items, input_mac, requested_by, requested_role,
      requested_at, expires_at, decided_by, decided_at, reason
    FROM jsonb_populate_recordset(NULL::refund_requests, changed -> 'refund_requests')
    ON CONFLICT (merchant_id, request_id) DO UPDATE SET state = EXCLUDED.state, decided_by = EXCLUDED.decided_by,
      decided_at = EXCLUDED.decided_at, reason = EXCLUDED.reason;
  END IF;
  IF changed ? 'challenges' THEN
    INSERT INTO challenges AS c (merchant_id, challenge_id, order_id, challenge_no, state, asks, tries, expires_at)
    SELECT merchant_id, challenge_id, order_id, challenge_no, state, asks, tries, expires_at
    FROM jsonb_populate_recordset(NULL::challenges, changed -> 'challenges')
    ON CONFLICT (merchant_id, challenge_id) DO UPDATE SET state = EXCLUDED.state, asks = EXCLUDED.asks,
      tries = EXCLUDED.tries, expires_at = EXCLUDED.expires_at;
  END IF;
  IF changed ? 'settlements' THEN
    INSERT INTO settlements AS s (merchant_id, settlement_id, order_id, attempt_id, state, units, fee_units, asset,
      to_address, tx_hash, tries, send_before, business_at)
    SELECT merchant_id, settlement_id, order_id, attempt_id, state, units, fee_units, asset, to_address, tx_hash,
      tries, send_before, business_at
    FROM jsonb_populate_recordset(NULL::settlements, changed -> 'settlements')
    ON CONFLICT (merchant_id, settlement_id) DO UPDATE SET state = EXCLUDED.state, tx_hash = EXCLUDED.tx_hash,
      units = EXCLUDED.units, fee_units = EXCLUDED.fee_units,
      tries = EXCLUDED.tries, send_before = EXCLUDED.send_before;
  END IF;
  IF changed ? 'advances' THEN
    INSERT INTO advances AS a (merchant_id, order_id, payer_id, pan_id, asset, slot, units, due_units, state, policy,
      started_at, until, customers)
    SELECT merchant_id, order_id, payer_id, pan_id, asset, slot, units, due_units, state, policy, started_at, until,
      customers
    FROM jsonb_populate_recordset(NULL::advances, changed -> 'advances')
    ON CONFLICT (merchant_id, order_id) DO UPDATE SET due_units = EXCLUDED.due_units, state = EXCLUDED.state;
  END IF;
  IF changed ? 'disputes' THEN
    INSERT INTO disputes AS d (merchant_id, dispute_id, order_id, dispute_no, attempt_id, route, case_ref, round_id,
      kind, reason_code, stage, state, units, asset, liable, fee_units, opened_at, respond_by, warned, closed_at,
      answer, answer_id, answer_state, answer_tries, answer_before, answer_code, answer_no)
    SELECT merchant_id, dispute_id, order_id, dispute_no, attempt_id, route, case_ref, round_id, kind, reason_code,
      stage, state, units, asset, liable, fee_units, opened_at, respond_by, warned, closed_at, answer, answer_id,
      answer_state, answer_tries, answer_before, answer_code, answer_no
    FROM jsonb_populate_recordset(NULL::disputes, changed -> 'disputes')
    ON CONFLICT (merchant_id, dispute_id) DO UPDATE SET round_id = EXCLUDED.round_id, stage = EXCLUDED.stage,
      reason_code = EXCLUDED.reason_code, state = EXCLUDED.state, units = EXCLUDED.units,
      respond_by = EXCLUDED.respond_by, warned = EXCLUDED.warned, closed_at = EXCLUDED.closed_at,
      answer = EXCLUDED.answer, answer_id = EXCLUDED.answer_id, answer_state = EXCLUDED.answer_state,
      answer_tries = EXCLUDED.answer_tries, answer_before = EXCLUDED.answer_before, answer_code = EXCLUDED.answer_code,
      answer_no = EXCLUDED.answer_no;
  END IF;
  IF changed ? 'dispute_notices' THEN
    INSERT INTO dispute_notices AS n (merchant_id, route, notice_id, state, why, content, content_hash, received_at)
    SELECT merchant_id, route, notice_id, state, why, content, content_hash, received_at
    FROM jsonb_populate_recordset(NULL::dispute_notices, changed -> 'dispute_notices')
    ON CONFLICT (merchant_id, route, notice_id) DO UPDATE SET state = EXCLUDED.state, why = EXCLUDED.why,
      tries = n.tries + 1 WHERE n.state = 'unmatched' AND n.content_hash = EXCLUDED.content_hash;
  END IF;
  IF posting_ids IS NOT NULL THEN
    INSERT INTO postings (merchant_id, posting_id, source_kind, source_id, recipe, order_id, content_hash,
      business_at, recorded_at)
    SELECT * FROM unnest(posting_merchants, posting_ids, source_kinds, source_ids, recipes, posting_orders,
      content_hashes, business_times, recorded_times);
  END IF;
  IF entry_postings IS NOT NULL THEN
    INSERT INTO entries (merchant_id, posting_id, line_no, account, asset, place, units, available_at)
    SELECT * FROM unnest(entry_merchants, entry_postings, line_nos, accounts, assets, places, amounts, available_times);
  END IF;
  IF changed ? 'mails' THEN
    INSERT INTO mails (merchant_id, mail_id, order_id, notice, about, state, units, tries, why, business_at,
      created_at)
    SELECT merchant_id, mail_id, order_id, notice, about, state, units, tries, why, business_at, created_at
    FROM jsonb_populate_recordset(NULL::mails, changed -> 'mails');
  END IF;
  IF changed ? 'alerts' THEN
    INSERT INTO alerts (merchant_id, alert_id, kind, about, step, facts, user_id, created_at)
    SELECT merchant_id, alert_id, kind, about, step, facts, user_id, created_at
    FROM jsonb_populate_recordset(NULL::alerts, changed -> 'alerts')
    ON CONFLICT (merchant_id, kind, about, step) DO NOTHING;
  END IF;
  IF changed ? 'outbox' THEN
    INSERT INTO outbox (merchant_id, subject_id, seq, subject_kind, event_id, event, body, business_at, recorded_at)
    SELECT merchant_id, subject_id, seq, subject_kind, event_id, event, body, business_at, recorded_at
    FROM jsonb_populate_recordset(NULL::outbox, changed -> 'outbox');
  END IF;
  IF changed ? 'due_done' THEN
    DELETE FROM due_work d USING jsonb_to_recordset(changed -> 'due_done') AS i (
      merchant_id uuid, kind text, subject_id uuid)
    WHERE d.merchant_id = i.merchant_id AND d.kind = i.kind AND d.subject_id = i.subject_id
      AND i.merchant_id = ANY (ARRAY[i.merchant_id]);
  END IF;
  IF changed ? 'due_work' THEN
    INSERT INTO due_work (merchant_id, kind, subject_id, due_at, wall)
    SELECT merchant_id, kind, subject_id, due_at, wall
    FROM jsonb_populate_recordset(NULL::due_work, changed -> 'due_work')
    ON CONFLICT (merchant_id, kind, subject_id) DO UPDATE SET due_at = EXCLUDED.due_at, wall = EXCLUDED.wall, tries = 0,
      lease_until = NULL;
  END IF;
  IF changed ? 'decisions' THEN
    INSERT INTO decisions (merchant_id, decision_id, order_id, at, verdict, features, plan, reasons, rules,
      alternatives, versions, taken, arm)
    SELECT merchant_id, decision_id, order_id, at, verdict, features, plan, reasons, rules, alternatives, versions,
      taken, arm
    FROM jsonb_populate_recordset(NULL::decisions, changed -> 'decisions');
  END IF;
  IF changed ? 'requests' THEN
    INSERT INTO requests (merchant_id, operation, key, input_mac, subject_id, state, answer, created_at)
    SELECT merchant_id, operation, key, input_mac, subject_id, state, answer, created_at
    FROM jsonb_populate_recordset(NULL::requests, changed -> 'requests');
  END IF;
  IF changed ? 'codes_used' THEN
    DELETE FROM cvv_once c USING jsonb_to_recordset(changed -> 'codes_used') AS i (merchant_id uuid, token_id uuid)
    WHERE c.merchant_id = i.merchant_id AND c.token_id = i.token_id
      AND i.merchant_id = ANY (ARRAY[i.merchant_id]);
  END IF;
END $$;

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

-- What is counted over merchants. As in `90_functions.sql` each statement writes one table.

-- Puts events of merchants' feeds behind a partner's own, under the lock of its closer; in this order.
CREATE FUNCTION hub.feed_partner(partner uuid, merchants uuid[], numbers bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO partner_feed (partner_id, number, merchant_id, merchant_number)
  SELECT partner, c.number + f.n, f.merchant_id, f.number
  FROM unnest(merchants, numbers) WITH ORDINALITY AS f (merchant_id, number, n), partner_closers c
  WHERE c.partner_id = partner;
  INSERT INTO partner_reached (partner_id, merchant_id, number)
  SELECT partner, f.merchant_id, max(f.number) FROM unnest(merchants, numbers) AS f (merchant_id, number) GROUP BY 2
  ON CONFLICT (partner_id, merchant_id) DO UPDATE SET number = EXCLUDED.number;
  UPDATE partner_closers c SET number = c.number + cardinality(numbers) WHERE c.partner_id = partner;
END $$;

-- These cards are one, for good: the lowest id of all whom they are joined to stands for them. Locks what sends lock, in
-- the order of the ids, and what has no row yet last, as a send does.
CREATE FUNCTION hub.join_cards(same uuid[], at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  heads uuid[] := ARRAY(SELECT DISTINCT coalesce(joined_to, card_id) FROM cards WHERE card_id = ANY(same) ORDER BY 1);
  made uuid[];
BEGIN
  PERFORM FROM cards WHERE card_id = ANY(heads) ORDER BY card_id FOR UPDATE;
  WITH given AS (
    INSERT INTO cards (card_id, created_at) SELECT DISTINCT one, at FROM unnest(same) AS one
    WHERE NOT EXISTS (SELECT FROM cards c WHERE c.card_id = one) ORDER BY 1
    ON CONFLICT DO NOTHING RETURNING card_id
  ) SELECT array_agg(card_id) INTO made FROM given;
  heads := ARRAY(SELECT DISTINCT one FROM unnest(heads || made) AS one ORDER BY 1);
  IF EXISTS (SELECT FROM cards WHERE card_id = ANY(heads) AND joined_to IS NOT NULL)
      OR EXISTS (SELECT FROM cards WHERE card_id = ANY(same) AND coalesce(joined_to, card_id) <> ALL(heads)) THEN
    RAISE EXCEPTION 'another send or join was quicker' USING ERRCODE = 'serialization_failure';
  END IF;
  UPDATE cards SET joined_to = heads[1], joined_at = at WHERE card_id = ANY(heads[2:]) OR joined_to = ANY(heads[2:]);
END $$;

-- Mandates that customers have revoked at the bank, and new ones that they gave since: a history of each card number by
-- merchant. What an order's card is known by else is looked up with it. Business time.
CREATE TABLE mandate_changes (
  merchant_id uuid NOT NULL,
  change_id uuid NOT NULL,                 -- the attempt, order or transmission that said so
  pan_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('revoked', 'renewed')),
  scope text CHECK (scope IN ('payment', 'agreement', 'all')),
  code text,                               -- what the bank said
  order_id uuid,
  subscription text,                       -- the merchant's id of the agreement; null: it named none
  network_id text,                         -- of the transaction in which the customer consented
  at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  holds boolean NOT NULL DEFAULT true,     -- false: what said so was corrected
  PRIMARY KEY (merchant_id, pan_id, change_id),
  CHECK ((kind = 'revoked') = (scope IS NOT NULL))
);
CREATE INDEX mandate_changes_newest ON mandate_changes (merchant_id, at DESC, change_id DESC) WHERE kind = 'revoked';
CREATE INDEX mandate_changes_source ON mandate_changes (merchant_id, change_id);
GRANT UPDATE (holds) ON mandate_changes TO recoup_app;

-- Network tokens: a number in the place of a card's, made by its network for one merchant, one for each card. The number is
-- sealed in the vault under `network_token_id`, with the token's own expiry.
CREATE TABLE network_tokens (
  merchant_id uuid NOT NULL,
  pan_id uuid NOT NULL,                    -- the card number that it stands for
  network_token_id uuid NOT NULL,          -- by which the token service knows it
  token_id uuid NOT NULL,                  -- the card that it is made from
  service text NOT NULL,                   -- the route that made it
  state text NOT NULL CHECK (state IN ('requested', 'active', 'suspended', 'deleted', 'refused')),
  requestor_id text,
  requested_at timestamptz NOT NULL,       -- wall time, as changed_at
  changed_at timestamptz NOT NULL,
  deletion_owed boolean NOT NULL DEFAULT false,  -- its service is still to delete it
  deletion_answer text,                    -- what the service said of that
  PRIMARY KEY (merchant_id, pan_id),
  UNIQUE (merchant_id, network_token_id)
);
GRANT UPDATE ON network_tokens TO recoup_app;
ALTER TABLE attempts ADD COLUMN network_token_id uuid;  -- by which it is sent; null: by the card itself

-- The numbers of tokens whose cards no other order has, before these orders are erased.
CREATE FUNCTION erase_tokens(merchant uuid, erased uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  gone uuid[] := cards_of_nobody_else(merchant, erased);
BEGIN
  UPDATE vault SET kek_id = NULL, wrapped_dek = NULL, nonce = NULL, ciphertext = NULL, bin = '', last4 = ''
  WHERE merchant_id = merchant AND token_id = ANY (ARRAY(
    SELECT network_token_id FROM network_tokens WHERE merchant_id = merchant AND pan_id = ANY(gone)));
  UPDATE network_tokens SET state = 'deleted'
  WHERE merchant_id = merchant AND state <> 'deleted' AND pan_id = ANY(gone);
END $$;

-- Whether a merchant lets a declined payment be collected in parts; without a row it does not. `least_share`: percent of the
-- order's amount that a part has at least; `count_max`: how often a part is tried for one order.
CREATE TABLE part_terms (
  merchant_id uuid PRIMARY KEY REFERENCES merchants,
  enabled boolean NOT NULL,
  least_share smallint NOT NULL CHECK (least_share BETWEEN 10 AND 50),
  count_max smallint NOT NULL CHECK (count_max BETWEEN 1 AND 4),
  at_expiry text NOT NULL CHECK (at_expiry IN ('refund', 'keep')), -- what was collected, when the rest never came
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL          -- wall time
);
GRANT UPDATE ON part_terms TO recoup_app;

-- A home of its own (`store/homes.py`): what the watcher read, and what the sender sent.
DO $$
BEGIN
  IF to_regnamespace('chain') IS NULL THEN
    CREATE SCHEMA chain;
  END IF;
END $$;

-- Where the payer of an order pays: an address of its own, by its terms the same on all networks of a kind. Written with
-- the order.
CREATE TABLE deposit_addresses (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  attempt_id uuid NOT NULL,
  address bytea NOT NULL CHECK (octet_length(address) = 20),
  kind text NOT NULL CHECK (kind IN ('evm', 'tron')),
  channel text NOT NULL,                   -- that it was made for
  terms jsonb NOT NULL,                    -- who loses them cannot sweep
  due numeric(78, 0) NOT NULL,             -- base units of that channel's token
  enough numeric(78, 0) NOT NULL CHECK (enough > 0 AND enough <= due),  -- with which it is paid
  expires_at timestamptz NOT NULL,         -- business time
  watched_until timestamptz NOT NULL,      -- wall time
  refund_to bytea CHECK (octet_length(refund_to) = 20),  -- where a refund goes that names no address
  refund_by text CHECK (refund_by IN ('payer', 'merchant')),  -- whose word that is
  PRIMARY KEY (merchant_id, order_id)
);
GRANT UPDATE (refund_to, refund_by) ON deposit_addresses TO recoup_app;
CREATE INDEX deposit_addresses_attempt ON deposit_addresses (attempt_id);
CREATE INDEX deposit_addresses_watched ON deposit_addresses (kind, watched_until);
CREATE INDEX deposit_addresses_address ON deposit_addresses (kind, address);

-- How far each chain has been read. `agreed_at`: the time of the newest block on which two nodes agreed.
CREATE TABLE chain.cursors (
  chain bigint PRIMARY KEY,
  block bigint NOT NULL,
  agreed_at timestamptz NOT NULL,
  head bigint NOT NULL,
  final bigint NOT NULL,
  final_hash bytea,
  polled_at timestamptz NOT NULL,          -- wall time
  halted text,                             -- why nothing is credited any more
  halted_at timestamptz,
  mark bigint NOT NULL DEFAULT 0,          -- a block that was read, by which a reorganisation is known
  mark_hash bytea,
  compared_at timestamptz                  -- when all balances were last compared with the logs; wall time
);

-- Deposit addresses whose balances are to be compared with the logs before their order may expire, and how it came out.
CREATE TABLE chain.comparisons (
  chain bigint NOT NULL,
  address bytea NOT NULL,
  wanted_at timestamptz,                   -- wall time; null: done
  compared_at timestamptz,                 -- the time of the block whose state was read
  missing text NOT NULL DEFAULT '',        -- base units by token that no log explains; empty: none
  PRIMARY KEY (chain, address)
);
CREATE INDEX comparisons_wanted ON chain.comparisons (chain, wanted_at) WHERE wanted_at IS NOT NULL;
GRANT UPDATE (wanted_at, compared_at, missing) ON chain.comparisons TO recoup_app;

-- Whether nodes would do what deposit addresses promise. Wall time.
CREATE TABLE chain.proofs (
  chain bigint NOT NULL,
  factory bytea NOT NULL,
  wrong text NOT NULL,                     -- empty: nothing
  proved_at timestamptz NOT NULL,
  PRIMARY KEY (chain, factory)
);
GRANT UPDATE ON chain.proofs TO recoup_app;

-- What happened at an order's address, each by its log: a token came in, or the factory paid it out, whoever asked it to.
-- A transaction that moved to another block has a row for each. Base units.
CREATE TABLE chain.logs (
  chain bigint NOT NULL,
  tx bytea NOT NULL CHECK (octet_length(tx) = 32),
  log_index int NOT NULL,
  kind text NOT NULL CHECK (kind IN ('deposit', 'sweep')),
  address bytea NOT NULL,
  token bytea NOT NULL,
  value numeric(78, 0) NOT NULL,           -- of a sweep: to the merchant
  fee numeric(78, 0) NOT NULL DEFAULT 0,   -- of a sweep: to the treasury
  sender bytea,                            -- of a deposit: shown, never used
  block bigint NOT NULL,
  block_hash bytea NOT NULL,
  block_at timestamptz NOT NULL,           -- by the chain's clock, which is wall time
  business_at timestamptz NOT NULL,        -- the same by the merchant's, as it stood when the log was read
  state text NOT NULL CHECK (state IN ('seen', 'confirmed', 'orphaned')),
  seen_at timestamptz NOT NULL,            -- wall time
  followed boolean NOT NULL DEFAULT false, -- its order knows of it, as it stands
  PRIMARY KEY (chain, tx, log_index, block_hash)
);
CREATE INDEX logs_address ON chain.logs (address);
CREATE INDEX logs_open ON chain.logs (chain, block) WHERE state = 'seen';
CREATE INDEX logs_confirmed ON chain.logs (chain, block) WHERE state = 'confirmed';
CREATE INDEX logs_unfollowed ON chain.logs (chain, address) WHERE NOT followed;
GRANT UPDATE ON chain.cursors TO recoup_app;
GRANT UPDATE (state, followed) ON chain.logs TO recoup_app;

-- The merchant's own wallets, by kind of chain; of those that hold the latest is in use. Business time.
CREATE TABLE settlement_addresses (
  merchant_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('evm', 'tron')),
  address_id uuid NOT NULL,
  address text NOT NULL,
  set_by text NOT NULL,
  set_at timestamptz NOT NULL,
  holds_from timestamptz,                  -- a delay after the approval, in which somebody may object
  approved_by text,
  approved_at timestamptz,
  withdrawn_at timestamptz,
  PRIMARY KEY (merchant_id, kind, address_id),
  CHECK ((approved_at IS NULL) = (approved_by IS NULL) AND (approved_at IS NULL) = (holds_from IS NULL))
);
GRANT UPDATE (holds_from, approved_by, approved_at, withdrawn_at) ON settlement_addresses TO recoup_app;

-- How much less than its amount pays an order that is made from then on.
CREATE TABLE shortfall_tolerances (
  merchant_id uuid PRIMARY KEY,
  basis_points int NOT NULL CHECK (basis_points BETWEEN 0 AND 500)
);
GRANT UPDATE ON shortfall_tolerances TO recoup_app;

-- Where the refund of custodial money goes: fixed with the refund, or with the request for it.
CREATE TABLE refund_destinations (
  merchant_id uuid NOT NULL,
  modification_id uuid NOT NULL,
  order_id uuid NOT NULL,
  address bytea NOT NULL CHECK (octet_length(address) = 20),
  given_by text NOT NULL CHECK (given_by IN ('merchant', 'payer')),
  PRIMARY KEY (merchant_id, modification_id)
);

-- What is to be sent on a chain: a deposit's sweep, or a transfer out of the custody wallet. Base units.
CREATE TABLE chain.sends (
  send_id uuid PRIMARY KEY,                -- the message of the core's that wants it
  chain bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('sweep', 'transfer')),
  channel text NOT NULL,
  token bytea NOT NULL,
  terms jsonb,                             -- of a sweep
  source bytea,                            -- of a transfer: the custody wallet, which alone can sign it
  receiver bytea,                          -- of a transfer
  value numeric(78, 0),                    -- of a transfer
  merchant_id uuid NOT NULL,               -- whose money it is
  subject_kind text NOT NULL CHECK (subject_kind IN ('settlement', 'custody', 'stray', 'refund', 'payout')),
  subject_id uuid NOT NULL,                -- the settlement, order, refund or payout
  state text NOT NULL CHECK (state IN ('wanted', 'signed', 'held', 'done', 'failed')),  -- held: a person says whether it went
  hash bytea,                              -- of the transaction that it is in
  why text,                                -- it failed, or is held
  went_at timestamptz,                     -- a person said that it went, by a transaction that is not ours
  reported boolean NOT NULL DEFAULT false, -- its end has reached what wants it
  wanted_at timestamptz NOT NULL,
  CHECK ((kind = 'sweep') = (terms IS NOT NULL)),
  CHECK ((kind = 'transfer') = (source IS NOT NULL AND receiver IS NOT NULL AND value IS NOT NULL))
);
CREATE INDEX sends_wanted ON chain.sends (chain, wanted_at, send_id) WHERE state = 'wanted';
CREATE INDEX sends_hash ON chain.sends (hash) WHERE hash IS NOT NULL;
CREATE INDEX sends_unreported ON chain.sends (chain, send_id) WHERE state IN ('done', 'failed') AND NOT reported;
CREATE INDEX sends_merchant ON chain.sends (merchant_id, subject_id);
CREATE INDEX sends_stuck ON chain.sends (wanted_at) WHERE state IN ('failed', 'held');
CREATE INDEX sends_by_hand ON chain.sends (chain, channel) WHERE state = 'held' OR went_at IS NOT NULL;
GRANT UPDATE (state, hash, why, went_at, reported) ON chain.sends TO recoup_app;

-- Transactions as they were signed, before anything left: a repeat is the same bytes. Of one number the newest row is
-- what was sent last, and any of them may be mined.
CREATE TABLE chain.transactions (
  chain bigint NOT NULL,
  sender bytea NOT NULL,
  number bigint NOT NULL,                  -- the sender's nonce
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  raw bytea NOT NULL,
  fee_per_gas numeric(78, 0) NOT NULL,
  tip_per_gas numeric(78, 0) NOT NULL,
  gas bigint NOT NULL,
  signed_at timestamptz NOT NULL,
  signed_block bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('signed', 'mined', 'reverted', 'replaced', 'lost')),
  paid numeric(78, 0),                     -- what its gas cost, in the chain's coin, mined or reverted
  block bigint,                            -- where it was then
  PRIMARY KEY (chain, sender, number, hash),
  CHECK ((state IN ('mined', 'reverted')) = (paid IS NOT NULL)),
  CHECK ((paid IS NULL) = (block IS NULL))
);
CREATE INDEX transactions_open ON chain.transactions (chain, sender, number) WHERE state = 'signed';
CREATE UNIQUE INDEX transactions_hash ON chain.transactions (chain, hash);
CREATE INDEX transactions_signed ON chain.transactions (chain, signed_at);
GRANT UPDATE (state, paid, block, signed_block) ON chain.transactions TO recoup_app;

-- Keys that sign. `begins`: whatever the chain has of lower numbers, a person has accounted for.
CREATE TABLE chain.senders (
  chain bigint NOT NULL,
  sender bytea NOT NULL,
  begins bigint NOT NULL,
  halted text,                             -- why it signs nothing before a person has looked
  trouble text,                            -- what keeps it from sending, or soon will
  troubled_at timestamptz,
  PRIMARY KEY (chain, sender)
);
GRANT UPDATE ON chain.senders TO recoup_app;

GRANT USAGE ON SCHEMA chain TO recoup_app, recoup_read;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA chain TO recoup_app;
GRANT SELECT ON ALL TABLES IN SCHEMA chain TO recoup_read;
ALTER DEFAULT PRIVILEGES IN SCHEMA chain GRANT SELECT ON TABLES TO recoup_read;

-- The application may not rewrite history: append-only tables take no UPDATE or DELETE, save the columns that the
-- closer stamps. Retention and migrations run as the owner.
GRANT USAGE ON SCHEMA cell, hub, directory, public TO recoup_app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA cell, hub, directory TO recoup_app;
GRANT SELECT ON schema_migrations TO recoup_app, recoup_read;
REVOKE INSERT ON world FROM recoup_app;
GRANT UPDATE (beat, beat_at) ON world TO recoup_app;
GRANT UPDATE ON merchants, sites, campaigns, api_keys, tokenization_keys, requests, order_heads, payers, order_payer, order_search,
  attempts, modifications, challenges, cards, network_sends, card_blocks, vault, stored_methods, account_balances, exposure_limits,
  exposure_allotments, customer_exposure, advances, operator_exposure, closers, endpoints, lanes, due_work,
  signing_keys, partners, partner_keys, partner_merchants, handovers, mails, contact_addresses, notice_settings, settlements, wallets, payouts,
  subscriptions, settlement_clocks, adjustments, bank_accounts, bank_payouts, reconciliation_clocks, uploads, upload_rows, exports,
  rescue_watches, uplift_reports, card_results, imports, import_rows, imported_attempts, certificate_clocks
  TO recoup_app;
GRANT UPDATE (stage, version, token_id, card_id, pan_id, expires_at, cards_before, do_not_retry, metadata, facts) ON orders
  TO recoup_app;
GRANT UPDATE (note, state, said, done_count, refused_count, stop_requested_at, finished_at) ON bulk_acts TO recoup_app;
GRANT UPDATE (state, answer) ON bulk_act_rows TO recoup_app;
GRANT UPDATE (text) ON order_notes, order_words, dispute_notes TO recoup_app;
GRANT UPDATE (name, sha256, sealed) ON dispute_files TO recoup_app;
GRANT UPDATE (answer) ON delivery_tries TO recoup_app;
GRANT UPDATE (lifted_by, lifted_at) ON blocks TO recoup_app;
GRANT UPDATE (page_no, position) ON postings TO recoup_app;
GRANT UPDATE (balance_after) ON entries TO recoup_app;
GRANT UPDATE (fed) ON outbox TO recoup_app;
GRANT UPDATE (facts, outcome, updated_at) ON transmissions TO recoup_app;
GRANT UPDATE (state, reason, evidence, decided_by, decided_at) ON card_joins TO recoup_app;
GRANT UPDATE (lines, counts, notes, period_from, period_to) ON reconciliation_runs TO recoup_app;
GRANT UPDATE (booked_at, booked_by, note) ON reconciliation_lines TO recoup_app;
GRANT UPDATE ON disputes, dispute_notices TO recoup_app;
GRANT UPDATE (saved_as, made_at, until, failed, report, payment_count, askers) ON backtests TO recoup_app;
GRANT DELETE ON backtests TO recoup_app;
GRANT DELETE ON import_lines, import_rows, imported_attempts TO recoup_app;
GRANT DELETE ON contacts, key_checks, due_work, lanes, cvv_once, refresh_tokens, seen_signatures TO recoup_app;
GRANT UPDATE, DELETE ON webhook_key_overlaps TO recoup_app;
GRANT UPDATE ON replays, partner_closers, partner_reached TO recoup_app;
GRANT UPDATE ON applications, go_live_requests, upkeep TO recoup_app;
GRANT UPDATE ON refund_limits, refund_people, refund_requests, reveals TO recoup_app;
GRANT UPDATE ON payer_looks, issuer_answers, issuers, fact_clocks TO recoup_app;
GRANT DELETE ON application_documents TO recoup_app;
GRANT UPDATE (notified_at) ON partner_alerts TO recoup_app;
GRANT UPDATE (reached_at) ON clock_moves TO recoup_app;
GRANT UPDATE, DELETE ON key_endings, key_listeners TO recoup_app;
GRANT UPDATE (sealed) ON application_documents TO recoup_app;
GRANT UPDATE (retiring) ON key_checks TO recoup_app;
GRANT UPDATE, DELETE ON live_marks TO recoup_app;
GRANT UPDATE (ended_by, ended_at) ON engine_stops, card_route_stops, sending_stops TO recoup_app;
GRANT UPDATE ON card_routes, card_route_hours, processor_connections TO recoup_app;
GRANT UPDATE ON processor_notices, processor_notice_counts, unread_notice_kinds, processor_invoices, card_updates TO recoup_app;
GRANT UPDATE ON policy_sends TO recoup_app;
-- Doors read as a role that may write nothing; tables and partitions that are made later are for it to read, too.
GRANT USAGE ON SCHEMA cell, hub, directory, public TO recoup_read;
GRANT SELECT ON ALL TABLES IN SCHEMA cell, hub, directory TO recoup_read;
ALTER DEFAULT PRIVILEGES IN SCHEMA cell, hub, directory GRANT SELECT ON TABLES TO recoup_read;
