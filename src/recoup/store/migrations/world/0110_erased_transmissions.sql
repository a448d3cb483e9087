-- An erasure takes the texts out of what a merchant told of a person's transactions.
GRANT UPDATE (facts) ON transmissions TO recoup_app;
