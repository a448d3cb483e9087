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
