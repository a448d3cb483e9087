-- Every report of what the engine brings is kept, and each setting of whether it stops by itself: what was read at a
-- moment of the past. Of reports before this the last one stands.
CREATE TABLE uplift_history (
  merchant_id uuid NOT NULL,
  business_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  made_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  report jsonb NOT NULL,
  PRIMARY KEY (merchant_id, recorded_at, business_at)
);
GRANT SELECT, INSERT ON uplift_history TO recoup_app;
INSERT INTO uplift_history (merchant_id, business_at, recorded_at, made_at, until, report)
SELECT merchant_id, until, made_at, made_at, until, report FROM uplift_reports WHERE report IS NOT NULL;
CREATE TEMPORARY TABLE uplift_before ON COMMIT DROP AS SELECT merchant_id, due_at, announced FROM uplift_reports;
DROP TABLE uplift_reports;
CREATE TABLE uplift_reports (
  merchant_id uuid PRIMARY KEY,
  due_at timestamptz NOT NULL,
  announced text
);
GRANT SELECT, INSERT, UPDATE ON uplift_reports TO recoup_app;
INSERT INTO uplift_reports SELECT * FROM uplift_before;

ALTER TABLE engine_returns RENAME COLUMN changed_at TO recorded_at;
ALTER TABLE engine_returns ADD COLUMN business_at timestamptz;
UPDATE engine_returns SET business_at = recorded_at;
ALTER TABLE engine_returns ALTER COLUMN business_at SET NOT NULL;
ALTER TABLE engine_returns DROP CONSTRAINT engine_returns_pkey;
ALTER TABLE engine_returns ADD PRIMARY KEY (merchant_id, recorded_at, business_at);
REVOKE UPDATE ON engine_returns FROM recoup_app;
