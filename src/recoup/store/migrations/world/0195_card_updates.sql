-- The account updater: what it was queried about, and which numbers were replaced.
ALTER TABLE hub.cards ADD COLUMN replaced_by uuid;
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
GRANT SELECT, INSERT, UPDATE ON card_updates TO recoup_app;
