-- Whose data somebody has revealed, and until when they see it.
CREATE TABLE reveals (
  merchant_id uuid NOT NULL REFERENCES merchants,
  user_id uuid NOT NULL,
  subject_id uuid NOT NULL,                -- an order, or a customer
  until timestamptz NOT NULL,              -- wall time
  PRIMARY KEY (merchant_id, user_id, subject_id)
);
