-- Who did what of which no other log tells: only added to. An act's line is written in its transaction.
-- No personal data but whose user id it was; no secret.
CREATE TABLE audit_lines (
  merchant_id uuid NOT NULL,
  line_id uuid NOT NULL,
  at timestamptz NOT NULL,                 -- wall time
  actor text NOT NULL,
  action text NOT NULL,                    -- `webhook.changed`: a kind of object, and what became of it
  subject_id text NOT NULL,                -- of that kind; empty where the merchant itself is meant
  facts jsonb NOT NULL,                    -- {what: value}, or {what: [old, new]}
  request_id text NOT NULL,
  PRIMARY KEY (merchant_id, line_id)
);
CREATE INDEX audit_lines_at ON audit_lines (merchant_id, at DESC, line_id DESC);
