-- home: people. One login, several worlds.
CREATE TABLE users (
  user_id uuid PRIMARY KEY,
  email text NOT NULL UNIQUE,
  name text NOT NULL,
  password_hash text NOT NULL,
  totp_secret bytea,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'blocked')),
  created_at timestamptz NOT NULL
);

CREATE TABLE partners (
  partner_id uuid PRIMARY KEY,
  name text NOT NULL,
  created_at timestamptz NOT NULL
);

-- Which merchant exists in which world.
CREATE TABLE merchant_worlds (
  merchant_id uuid NOT NULL,
  world text NOT NULL,
  partner_id uuid REFERENCES partners,
  name text NOT NULL,
  PRIMARY KEY (merchant_id, world)
);

CREATE TABLE memberships (
  user_id uuid NOT NULL REFERENCES users,
  subject_kind text NOT NULL CHECK (subject_kind IN ('operator', 'partner', 'merchant')),
  subject_id uuid NOT NULL,
  role text NOT NULL CHECK (role IN ('owner', 'operations', 'analyst', 'developer')),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, subject_kind, subject_id)
);

CREATE TABLE sessions (
  session_hash bytea PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users,
  csrf text NOT NULL,
  world text NOT NULL,
  merchant_id uuid,
  created_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);

CREATE TABLE signin_failures (
  bucket text PRIMARY KEY,                 -- keyed hash of address or e-mail
  fails int NOT NULL,
  until timestamptz NOT NULL
);

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

-- home: people. How somebody likes their lists.
CREATE TABLE list_habits (
  user_id uuid PRIMARY KEY REFERENCES users,
  zone text NOT NULL DEFAULT 'GMT',
  columns text[] NOT NULL DEFAULT '{}'     -- of the orders; empty: the usual ones
);

-- A list's address that somebody gave a name, at one merchant.
CREATE TABLE saved_views (
  user_id uuid NOT NULL REFERENCES users,
  merchant_id uuid NOT NULL,
  view_id uuid NOT NULL,
  name text NOT NULL,
  query text NOT NULL,
  PRIMARY KEY (user_id, merchant_id, view_id)
);
CREATE UNIQUE INDEX saved_views_name ON saved_views (user_id, merchant_id, lower(name));

GRANT USAGE ON SCHEMA public TO recoup_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO recoup_app;
REVOKE UPDATE ON membership_log FROM recoup_app;
GRANT DELETE ON sessions, signin_failures, memberships, saved_views TO recoup_app;
