-- The network token of a customer who was erased is deleted at its service, too.
ALTER TABLE network_tokens ADD COLUMN deletion_owed boolean NOT NULL DEFAULT false, ADD COLUMN deletion_answer text;
