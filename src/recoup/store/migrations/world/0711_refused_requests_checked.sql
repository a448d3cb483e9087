-- Apart from the change, so that nobody waits for the check of what stands.
ALTER TABLE alerts VALIDATE CONSTRAINT alerts_kind_check;
