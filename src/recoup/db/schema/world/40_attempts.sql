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
  checks jsonb,                            -- what the processor said beside its codes: processors/rules/checks
  retries_itself_at timestamptz,           -- wall time; the processor repeats the payment then by itself
  consent jsonb,                           -- what was sent of the customer's consent: orders/rules/consent
  authentication jsonb,                    -- of a customer at a page of ours: processors/rules/authentication
  key uuid,                                -- what its processor sees it as, of one that was sent: orders/rules/wire_keys
  typed jsonb,                             -- the card that its payer typed for it alone: orders/rules/typed_card
  PRIMARY KEY (merchant_id, attempt_id),
  UNIQUE (merchant_id, order_id, attempt_no),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders
) WITH (fillfactor = 40);
-- What a processor's notice or statement names attempts and modifications by, over all merchants. No indexed column of those
-- changes, so that most of their updates leave every index alone.
CREATE TABLE wire_keys (
  key uuid NOT NULL,
  merchant_id uuid NOT NULL,
  movement_id uuid NOT NULL,               -- the attempt or modification
  PRIMARY KEY (key, merchant_id, movement_id)
);
-- Attempts that brought money, as they stand, by what it is called elsewhere, over all merchants: the reference in a
-- processor's notice, the hash of a payment on a chain, what a cardholder reads on a statement.
CREATE TABLE charges (
  merchant_id uuid NOT NULL,
  attempt_id uuid NOT NULL,
  reference text,
  card_last4 text,
  units bigint NOT NULL,
  asset text NOT NULL,
  closed_at timestamptz,
  PRIMARY KEY (merchant_id, attempt_id)
);
CREATE INDEX charges_referenced ON charges (reference) WHERE reference IS NOT NULL;
CREATE INDEX charges_of_card ON charges (card_last4, units, asset, closed_at) WHERE card_last4 IS NOT NULL;

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
  key uuid,                                -- what its processor sees it as: orders/rules/wire_keys
  send_key uuid,                           -- the same beside send_id
  PRIMARY KEY (merchant_id, modification_id),
  UNIQUE (merchant_id, order_id, modification_no),
  FOREIGN KEY (merchant_id, order_id) REFERENCES orders
) WITH (fillfactor = 50);

CREATE INDEX modifications_at ON modifications (merchant_id, business_at);
-- Those that are owed, sent or stuck.
CREATE TABLE modifications_queue (
  merchant_id uuid NOT NULL,
  modification_id uuid NOT NULL,
  PRIMARY KEY (merchant_id, modification_id)
);

-- What else a processor calls a charge or modification, beside its `reference`: as its reports and notices name it.
CREATE TABLE processor_ids (
  merchant_id uuid NOT NULL,
  movement_id uuid NOT NULL,               -- the attempt or modification
  id text NOT NULL,
  PRIMARY KEY (merchant_id, movement_id, id)
);
CREATE INDEX processor_ids_id ON processor_ids (id);

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
