-- A budget counts what its own scope sends: the merchant's orders, those of a site, those of a campaign. What was counted
-- until now is the merchant's.
ALTER TABLE policy_sends ADD COLUMN subject_id uuid;
UPDATE policy_sends SET subject_id = merchant_id;
ALTER TABLE policy_sends ALTER COLUMN subject_id SET NOT NULL;
ALTER TABLE policy_sends DROP CONSTRAINT policy_sends_pkey;
ALTER TABLE policy_sends ADD PRIMARY KEY (merchant_id, subject_id, month);
