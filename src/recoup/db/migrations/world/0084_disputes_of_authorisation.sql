-- A dispute may be about how a payment was authorised.
ALTER TABLE disputes DROP CONSTRAINT disputes_kind_check;
ALTER TABLE disputes ADD CONSTRAINT disputes_kind_check
  CHECK (kind IN ('fraud', 'service', 'authorisation', 'processing', 'other')) NOT VALID;
ALTER TABLE disputes VALIDATE CONSTRAINT disputes_kind_check;
