-- Of the attempts beside a send of ours the nearest is that send, and the others count by themselves.
ALTER TABLE cell.imported_attempts ADD COLUMN known_as uuid;
ALTER TABLE cell.imported_attempts ADD CONSTRAINT imported_attempts_known CHECK (known_as IS NULL OR counted = 'known') NOT VALID;
