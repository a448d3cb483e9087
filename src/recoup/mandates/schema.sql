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
