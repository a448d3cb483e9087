-- Evidence of a dispute as files.
CREATE TABLE dispute_files (
  merchant_id uuid NOT NULL,
  file_id uuid NOT NULL,
  dispute_id uuid NOT NULL,
  name text NOT NULL,                      -- empty: erased
  media_type text NOT NULL,
  bytes int NOT NULL CHECK (bytes > 0),
  sha256 bytea NOT NULL,                   -- empty: erased
  sealed bytea,                            -- null: erased
  actor text NOT NULL,
  business_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, file_id),
  FOREIGN KEY (merchant_id, dispute_id) REFERENCES disputes
);
CREATE INDEX dispute_files_of ON dispute_files (merchant_id, dispute_id, file_id);
GRANT SELECT, INSERT ON dispute_files TO recoup_app;
GRANT UPDATE (name, sha256, sealed) ON dispute_files TO recoup_app;
