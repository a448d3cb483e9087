-- What was added without a look at old rows is looked at here.
ALTER TABLE alerts VALIDATE CONSTRAINT alerts_kind_check;
