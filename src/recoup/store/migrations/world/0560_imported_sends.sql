-- Past attempts of cards that we hold count as sends that their merchant claims.
ALTER TABLE hub.network_sends ADD COLUMN imported boolean NOT NULL DEFAULT false;
ALTER TABLE cell.imports ADD COLUMN counted_count int NOT NULL DEFAULT 0;
ALTER TABLE cell.import_rows ADD COLUMN card_id uuid, ADD COLUMN send_id uuid, ADD COLUMN acceptor_id text,
  ADD COLUMN initiator text;
ALTER TABLE cell.imported_attempts ADD COLUMN card_id uuid, ADD COLUMN send_id uuid, ADD COLUMN acceptor_id text,
  ADD COLUMN initiator text, ADD COLUMN counted text;
ALTER TABLE cell.imported_attempts ADD CONSTRAINT imported_attempts_counted
  CHECK (counted IN ('waits', 'sent', 'known', 'old', 'more', 'not_sent')) NOT VALID;
