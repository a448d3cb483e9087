-- home: people. What became of memberships and of what leads to them, and by whom. Only added to. No e-mail: who was invited
-- stands with the invitation.
CREATE TABLE membership_log (
  log_id uuid PRIMARY KEY,
  subject_kind text NOT NULL,
  subject_id uuid NOT NULL,
  user_id uuid REFERENCES users,           -- whose membership; nobody's yet while it is an invitation
  invitation_id uuid,
  role text NOT NULL,
  happening text NOT NULL CHECK (happening IN ('invited', 'revoked', 'joined', 'ended')),
  by_user uuid NOT NULL REFERENCES users,
  request_id text NOT NULL,
  at timestamptz NOT NULL,
  CHECK ((user_id IS NULL) = (happening IN ('invited', 'revoked')))
);
CREATE INDEX membership_log_of ON membership_log (subject_kind, subject_id, at DESC, log_id DESC);
