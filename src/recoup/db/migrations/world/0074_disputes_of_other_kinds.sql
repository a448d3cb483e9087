-- A dispute for a reason that is on no list is no fraud.
ALTER TABLE disputes DROP CONSTRAINT disputes_kind_check;
ALTER TABLE disputes ADD CONSTRAINT disputes_kind_check CHECK (kind IN ('fraud', 'service', 'processing', 'other')) NOT VALID;
ALTER TABLE disputes VALIDATE CONSTRAINT disputes_kind_check;
