-- What is owed to a payer may go as an SMS; which way it goes is picked once, with the contact.
ALTER TABLE cell.mails ADD COLUMN channel text NOT NULL DEFAULT 'mail' CONSTRAINT mails_channel_check
  CHECK (channel IN ('mail', 'sms'));
