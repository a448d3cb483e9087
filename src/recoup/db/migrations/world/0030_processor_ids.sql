-- beside
CREATE TABLE processor_ids (
  merchant_id uuid NOT NULL,
  movement_id uuid NOT NULL,               -- the attempt or modification
  id text NOT NULL,
  PRIMARY KEY (merchant_id, movement_id, id)
);
CREATE INDEX processor_ids_id ON processor_ids (id);
GRANT SELECT, INSERT ON processor_ids TO recoup_app;
ALTER TABLE processor_notices ADD COLUMN movement jsonb;
