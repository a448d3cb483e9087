-- One row per subject and kind: no duplicates. Business time unless `wall`.
CREATE TABLE due_work (
  merchant_id uuid NOT NULL,
  kind text NOT NULL,
  subject_id uuid NOT NULL,
  due_at timestamptz NOT NULL,
  wall boolean NOT NULL DEFAULT false,
  tries int NOT NULL DEFAULT 0,
  lease_until timestamptz,                 -- wall time; also "not before", for work that waits
  last_error text,
  PRIMARY KEY (merchant_id, kind, subject_id)
) WITH (fillfactor = 80);
CREATE INDEX due_work_due ON due_work (due_at);
CREATE INDEX due_work_merchant ON due_work (merchant_id, due_at);
