-- How issuers answered over merchants, where there are enough of them.
CREATE TABLE issuers (
  issuer_digits text PRIMARY KEY,
  merchants int NOT NULL CHECK (merchants >= 5),
  answers bigint[] NOT NULL,
  counted_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON issuers TO recoup_app;
