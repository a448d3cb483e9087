-- home: people. Whose membership ended, and who ended it. Only added to.
CREATE TABLE membership_log (
  log_id uuid PRIMARY KEY,
  subject_kind text NOT NULL,
  subject_id uuid NOT NULL,
  user_id uuid NOT NULL REFERENCES users,
  role text NOT NULL,
  happening text NOT NULL CHECK (happening IN ('ended')),
  by_user uuid NOT NULL REFERENCES users,
  request_id text NOT NULL,
  at timestamptz NOT NULL
);
CREATE INDEX membership_log_of ON membership_log (subject_kind, subject_id, log_id DESC);
