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
  region text,                             -- whose rules held: its route's; null: the merchant's
  PRIMARY KEY (card_id, send_id)
) WITH (fillfactor = 66);
CREATE INDEX network_sends_ours ON network_sends (card_id, at) WHERE NOT claimed;
CREATE INDEX network_sends_claims ON network_sends (card_id, merchant_id, at) WHERE claimed;
-- A condition that always holds: who asks for a card's sends does not say it, and is not led through all of its merchant's.
CREATE INDEX network_sends_months ON network_sends (merchant_id, at) WHERE at IS NOT NULL;

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
