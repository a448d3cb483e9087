-- What kinds of alerts there are, the code says alone: a new one needs no migration.
ALTER TABLE alerts DROP CONSTRAINT alerts_kind_check;
ALTER TABLE hub.partner_alerts DROP CONSTRAINT partner_alerts_kind_check;
