-- Equal lines of a statement, without id and reference, are counted.
ALTER TABLE reconciliation_lines ADD COLUMN content_id uuid, ADD COLUMN equal_no int;
