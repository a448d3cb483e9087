-- Notes are sentences that are kept with their parts; they stand in a column of their own.
ALTER TABLE cell.imports ADD COLUMN notes jsonb NOT NULL DEFAULT '[]';
