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
