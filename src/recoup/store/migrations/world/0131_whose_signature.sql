-- A used signature is its merchant's, as whatever a cell holds. The table has those of the last twenty minutes.
ALTER TABLE seen_signatures ADD merchant_id uuid;
UPDATE seen_signatures s SET merchant_id = k.merchant_id FROM signing_keys k WHERE k.key_id = s.key_id;
DELETE FROM seen_signatures WHERE merchant_id IS NULL;
ALTER TABLE seen_signatures ALTER merchant_id SET NOT NULL, DROP CONSTRAINT seen_signatures_pkey,
  ADD PRIMARY KEY (merchant_id, bucket, key_id, signature);
