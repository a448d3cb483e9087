-- home: people. Somebody is asked to join a partner or a merchant. The link's token is kept as a keyed hash; sealed only
-- until the mail has left.
CREATE TABLE invitations (
  invitation_id uuid PRIMARY KEY,
  token_hash bytea NOT NULL UNIQUE,
  sealed_token bytea,
  email text NOT NULL,
  subject_kind text NOT NULL CHECK (subject_kind IN ('partner', 'merchant')),
  subject_id uuid NOT NULL,
  subject_name text NOT NULL,
  role text NOT NULL CHECK (role IN ('owner', 'operations', 'analyst', 'developer')),
  world text NOT NULL,                     -- whose portal it was made in
  invited_by uuid NOT NULL REFERENCES users,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  accepted_at timestamptz,
  accepted_by uuid REFERENCES users,
  revoked_at timestamptz,
  revoked_by uuid REFERENCES users,
  mail_state text NOT NULL DEFAULT 'owed' CHECK (mail_state IN ('owed', 'sent', 'refused', 'given_up', 'dropped')),
  mail_tries int NOT NULL DEFAULT 0,
  mail_due_at timestamptz,                 -- not before; null = nothing is owed
  mail_why text NOT NULL DEFAULT '',
  CHECK ((accepted_at IS NULL) = (accepted_by IS NULL)),
  CHECK ((mail_state = 'owed') = (mail_due_at IS NOT NULL)),
  CHECK (accepted_at IS NULL OR revoked_at IS NULL)
);
CREATE INDEX invitations_of ON invitations (subject_kind, subject_id, invitation_id DESC);
CREATE INDEX invitations_mail ON invitations (mail_due_at) WHERE mail_due_at IS NOT NULL;
CREATE INDEX invitations_by ON invitations (invited_by, created_at);
