-- Mails with a link to pay, and whom they went to: addresses as keyed hashes. One row of an address is locked while a mail
-- to it is about to be sent.
CREATE TABLE cell.contact_addresses (
  merchant_id uuid NOT NULL,
  address_id uuid NOT NULL,
  unsubscribed_at timestamptz,             -- wall time; null: they may be sent
  PRIMARY KEY (merchant_id, address_id)
);

CREATE TABLE cell.contacts (
  merchant_id uuid NOT NULL,
  mail_id uuid NOT NULL,
  order_id uuid NOT NULL,
  address_id uuid NOT NULL,
  contacted_at timestamptz NOT NULL,       -- business time of the first try
  PRIMARY KEY (merchant_id, mail_id)
);
CREATE INDEX contacts_address ON cell.contacts (merchant_id, address_id, contacted_at);
CREATE INDEX contacts_order ON cell.contacts (merchant_id, order_id);
ALTER TABLE cell.mails DROP CONSTRAINT mails_state_check;
ALTER TABLE cell.mails ADD CONSTRAINT mails_state_check
  CHECK (state IN ('owed', 'sent', 'refused', 'given_up', 'no_address', 'withheld')) NOT VALID;
GRANT SELECT, INSERT, UPDATE ON cell.contact_addresses TO recoup_app;
GRANT SELECT, INSERT ON cell.contacts TO recoup_app;
