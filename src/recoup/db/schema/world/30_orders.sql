-- A row of the lifecycle. A domain, since PostgreSQL reads the text of a table's CHECK anew for each statement that writes
-- and for each plan that a foreign key's look-up makes; that of a domain once a connection.
CREATE DOMAIN lifecycle_row AS text CONSTRAINT order_log_lifecycle {{lifecycle}};

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

-- What is so about an order from the start. A merchant may amend the card, the expiry, the wish for attempts and its own
-- notes while the order is open. An erasure takes the texts out of facts and metadata.
CREATE TABLE orders (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
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
  FOREIGN KEY (merchant_id, site_id) REFERENCES sites,
  FOREIGN KEY (merchant_id, site_id, campaign_id) REFERENCES campaigns (merchant_id, site_id, campaign_id)
);
-- An expression: no statement that looks an order up by its id takes it for a way while the tables are small.
CREATE INDEX orders_of_card ON orders ((pan_id::text));

-- Where its log says that an order is: it changes with every line, and has room for that on its page.
CREATE TABLE order_states (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  stage text NOT NULL,
  version int NOT NULL,
  PRIMARY KEY (merchant_id, order_id),
  FOREIGN KEY (merchant_id, order_id, version, stage) REFERENCES order_log (merchant_id, order_id, seq, dst)
) WITH (fillfactor = 50);
CREATE VIEW current_orders AS SELECT o.*, s.stage, s.version FROM orders o JOIN order_states s USING (merchant_id, order_id);

-- What lists show: narrow and mutable. Until its first decision a head has none of the lists' indexes: it would change most of them.
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
  tried smallint NOT NULL GENERATED ALWAYS AS (attempts / 3) STORED, -- indexed: two of three tries change no index
  expires_at timestamptz,
  next_attempt_at timestamptz,
  reason text,
  attention text,                          -- a code of orders/rules/attention.py, with an argument behind a colon
  descriptor text NOT NULL DEFAULT '',
  campaign_id uuid,
  decline_code text NOT NULL DEFAULT '',   -- that it came in with; empty for a stablecoin order
  decline_source text NOT NULL DEFAULT '', -- lower case
  card_scheme text NOT NULL DEFAULT '',    -- of the card that it came with; so below
  card_bin text NOT NULL DEFAULT '',
  undecided boolean NOT NULL DEFAULT false
) PARTITION BY LIST (undecided);
CREATE TABLE order_heads_decided PARTITION OF order_heads FOR VALUES IN (false) WITH (fillfactor = 70);
CREATE TABLE order_heads_undecided PARTITION OF order_heads FOR VALUES IN (true);
ALTER TABLE order_heads_decided ADD PRIMARY KEY (merchant_id, order_id);
ALTER TABLE order_heads_undecided ADD PRIMARY KEY (merchant_id, order_id);
-- Rare currencies and statuses are worth their own plan.
ALTER TABLE order_heads_decided ALTER COLUMN asset SET STATISTICS 1000, ALTER COLUMN status SET STATISTICS 1000,
  ALTER COLUMN attempts SET STATISTICS 1000;
CREATE INDEX order_heads_undecided_placed ON order_heads_undecided (merchant_id, placed_at DESC, order_id DESC);
CREATE INDEX order_heads_placed ON order_heads_decided (merchant_id, placed_at DESC, order_id DESC);
CREATE INDEX order_heads_status ON order_heads_decided (merchant_id, status, placed_at DESC, order_id DESC);
-- A site's or channel's list without a status is merged from its statuses, so that pairs with one are served too.
CREATE INDEX order_heads_site ON order_heads_decided (merchant_id, site_id, status, placed_at DESC, order_id DESC);
CREATE INDEX order_heads_attention ON order_heads_decided (merchant_id, placed_at DESC, order_id DESC)
  WHERE attention IS NOT NULL;
CREATE INDEX order_heads_refunded ON order_heads_decided (merchant_id, placed_at DESC, order_id DESC)
  WHERE refunded_units > 0;
CREATE INDEX order_heads_channel
  ON order_heads_decided (merchant_id, order_type, (source = 'callcenter'), status, placed_at DESC, order_id DESC);
CREATE INDEX order_heads_created ON order_heads_decided (merchant_id, created_at DESC NULLS LAST, order_id DESC);
-- An amount's orders lie all over the table, and looking into each takes ten times as long as reading the index: it holds
-- what such a list is sorted by, and what narrows it further most often.
CREATE INDEX order_heads_units ON order_heads_decided (merchant_id, units DESC, order_id DESC)
  INCLUDE (placed_at, created_at, status, asset, order_type, source, campaign_id);
CREATE INDEX order_heads_asset ON order_heads_decided (merchant_id, asset, placed_at DESC, order_id DESC);
CREATE INDEX order_heads_source ON order_heads_decided (merchant_id, source, placed_at DESC, order_id DESC);
CREATE INDEX order_heads_expires ON order_heads_decided (merchant_id, expires_at, order_id);
-- What still may end by itself; what was tried three times or more.
CREATE INDEX order_heads_ending ON order_heads_decided (merchant_id, expires_at, order_id) WHERE status IN (0, 1, 3, 4, 5);
CREATE INDEX order_heads_tried ON order_heads_decided (merchant_id, tried) WHERE tried > 0;
CREATE INDEX order_heads_campaign ON order_heads_decided (merchant_id, campaign_id, placed_at DESC, order_id DESC)
  WHERE campaign_id IS NOT NULL;
CREATE INDEX order_heads_descriptor ON order_heads_decided (merchant_id, lower(descriptor), placed_at DESC, order_id DESC);
CREATE INDEX order_heads_reason ON order_heads_decided (merchant_id, reason, placed_at DESC, order_id DESC)
  WHERE reason IS NOT NULL;
CREATE INDEX order_heads_code ON order_heads_decided (merchant_id, lower(decline_code), placed_at DESC, order_id DESC)
  WHERE decline_code <> '';
CREATE INDEX order_heads_scheme ON order_heads_decided (merchant_id, card_scheme, placed_at DESC, order_id DESC)
  WHERE card_scheme <> '';
CREATE INDEX order_heads_bin ON order_heads_decided (merchant_id, card_bin, placed_at DESC, order_id DESC)
  WHERE card_bin <> '';
