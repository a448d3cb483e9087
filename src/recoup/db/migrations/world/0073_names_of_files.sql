-- beside
-- A person's name goes from the names of files with the person.
GRANT UPDATE (file_name) ON reconciliation_runs TO recoup_app;
