-- What the merchant's clock showed when terms were set. None begins before it was set, so of those from before this it was
-- at the latest when they began.
ALTER TABLE fee_terms ADD COLUMN business_at timestamptz;
UPDATE fee_terms SET business_at = least(recorded_at, valid_from);
ALTER TABLE fee_terms ALTER COLUMN business_at SET NOT NULL;
ALTER TABLE dispute_terms ADD COLUMN business_at timestamptz;
UPDATE dispute_terms SET business_at = least(made_at, valid_from);
ALTER TABLE dispute_terms ALTER COLUMN business_at SET NOT NULL;
ALTER TABLE settlement_terms ADD COLUMN business_at timestamptz;
UPDATE settlement_terms SET business_at = least(recorded_at, valid_from);
ALTER TABLE settlement_terms ALTER COLUMN business_at SET NOT NULL;
