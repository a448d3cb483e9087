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
  reason text NOT NULL CHECK (reason <> ''),
  evidence text NOT NULL CHECK (evidence <> ''),
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
GRANT SELECT, INSERT ON card_joins TO recoup_app;
GRANT UPDATE (state, decided_by, decided_at) ON card_joins TO recoup_app;
