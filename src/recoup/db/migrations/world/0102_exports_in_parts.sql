-- beside
-- What exports are made of stands in the database, so that any door serves it. Partitioned by day.
ALTER TABLE exports ADD COLUMN run_id uuid, ADD COLUMN parts int;
CREATE TABLE export_parts (
  merchant_id uuid NOT NULL,
  run_id uuid NOT NULL,
  part_no int NOT NULL,
  packed bytea NOT NULL,                   -- by zlib
  PRIMARY KEY (merchant_id, run_id, part_no)
) PARTITION BY RANGE (run_id);
ALTER TABLE export_parts ALTER COLUMN packed SET STORAGE EXTERNAL;
GRANT SELECT, INSERT, DELETE ON export_parts TO recoup_app;
GRANT SELECT ON export_parts TO recoup_read;
