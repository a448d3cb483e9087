-- What is written off counts against a merchant's limit until its terms are set anew.
ALTER TABLE exposure_allotments ADD COLUMN lost bigint NOT NULL DEFAULT 0 CHECK (lost >= 0);
