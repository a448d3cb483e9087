-- Whether a merchant lets a declined payment be collected in parts; without a row it does not. `least_share`: percent of the
-- order's amount that a part has at least; `count_max`: how often a part is tried for one order.
CREATE TABLE part_terms (
  merchant_id uuid PRIMARY KEY REFERENCES merchants,
  enabled boolean NOT NULL,
  least_share smallint NOT NULL CHECK (least_share BETWEEN 10 AND 50),
  count_max smallint NOT NULL CHECK (count_max BETWEEN 1 AND 4),
  at_expiry text NOT NULL CHECK (at_expiry IN ('refund', 'keep')), -- what was collected, when the rest never came
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL          -- wall time
);
GRANT UPDATE ON part_terms TO recoup_app;
