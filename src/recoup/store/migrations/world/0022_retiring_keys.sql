-- A key that nothing needs is marked before its file forgets it, and goes afterwards.
ALTER TABLE key_checks ADD COLUMN retiring boolean NOT NULL DEFAULT false;
GRANT UPDATE (retiring) ON key_checks TO recoup_app;
