-- beside
-- Which earlier payments of the card an answer to a dispute names (Visa's Compelling Evidence 3.0).
CREATE TABLE dispute_priors (
  merchant_id uuid NOT NULL,
  answer_id uuid NOT NULL,
  dispute_id uuid NOT NULL,
  attempts uuid[] NOT NULL,
  keys text[] NOT NULL,
  PRIMARY KEY (merchant_id, answer_id),
  FOREIGN KEY (merchant_id, dispute_id) REFERENCES disputes
);
CREATE INDEX dispute_priors_of ON dispute_priors (merchant_id, dispute_id, answer_id DESC);
GRANT SELECT, INSERT ON dispute_priors TO recoup_app;
