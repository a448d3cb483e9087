-- Validates what 0104 added.
ALTER TABLE alerts VALIDATE CONSTRAINT alerts_kind_check;
