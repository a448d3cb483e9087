-- home: people. One login, several worlds.
CREATE TABLE users (
  user_id uuid PRIMARY KEY,
  email text NOT NULL UNIQUE,
  name text NOT NULL,
  password_hash text NOT NULL,
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
CREATE INDEX memberships_of ON memberships (subject_kind, subject_id);

CREATE TABLE sessions (
  session_hash bytea PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users,
  csrf text NOT NULL,
  world text NOT NULL,
  merchant_id uuid,
  created_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  address text NOT NULL,                   -- whence it was begun, shortened
  browser text NOT NULL                    -- in short words
);
CREATE INDEX sessions_of ON sessions (user_id);
CREATE INDEX sessions_over ON sessions (expires_at);

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

-- home: people. Where somebody is in time, which language they read, and how mails reach them.
CREATE TABLE person_settings (
  user_id uuid PRIMARY KEY REFERENCES users,
  zone text NOT NULL DEFAULT 'GMT',
  language text NOT NULL DEFAULT '',                           -- of the portal; empty: their browser's
  digest_hour smallint CHECK (digest_hour BETWEEN 0 AND 23),  -- of their zone; null: the installation's
  digest_empty boolean NOT NULL DEFAULT false,                -- also of a day on which nothing was
  mails boolean NOT NULL DEFAULT true
);

-- What somebody wants to hear of a merchant or partner; without a row the kind's own way holds.
CREATE TABLE notification_choices (
  user_id uuid NOT NULL REFERENCES users,
  world text NOT NULL,
  subject_id uuid NOT NULL,                -- the merchant; of a partner's kinds the partner
  kind text NOT NULL,
  on_page boolean NOT NULL,
  by_mail boolean NOT NULL,
  PRIMARY KEY (user_id, world, subject_id, kind)
);

-- What somebody was told, once. The mail is owed with it, and sent as intent, call, outcome.
CREATE TABLE notifications (
  user_id uuid NOT NULL REFERENCES users,
  notification_id uuid NOT NULL,           -- the Message-ID is made of it
  world text NOT NULL,
  subject_id uuid NOT NULL,                -- the merchant; of a partner's kinds the partner
  subject_name text NOT NULL,
  alert_id uuid NOT NULL,                  -- the world's; of a digest its own
  kind text NOT NULL,
  facts jsonb NOT NULL,                    -- ids and amounts; no personal data of payers
  on_page boolean NOT NULL,
  created_at timestamptz NOT NULL,
  read_at timestamptz,
  mail_state text NOT NULL CHECK (mail_state IN ('none', 'owed', 'sent', 'refused', 'given_up', 'dropped')),
  mail_tries int NOT NULL DEFAULT 0,
  mail_due_at timestamptz,                 -- not before; null = nothing is owed
  mail_why text NOT NULL DEFAULT '',
  PRIMARY KEY (user_id, notification_id),
  UNIQUE (user_id, world, subject_id, alert_id),
  CHECK ((mail_state = 'owed') = (mail_due_at IS NOT NULL))
);
CREATE INDEX notifications_newest ON notifications (user_id, world, notification_id DESC) WHERE on_page;
CREATE INDEX notifications_unread ON notifications (user_id, world) WHERE on_page AND read_at IS NULL;
CREATE INDEX notifications_mail ON notifications (mail_due_at) WHERE mail_due_at IS NOT NULL;

-- One digest of a person, a merchant and a day of their zone, whether or not there was something to tell.
CREATE TABLE digests (
  user_id uuid NOT NULL REFERENCES users,
  world text NOT NULL,
  merchant_id uuid NOT NULL,
  local_day date NOT NULL,                 -- on which it is sent; it tells of the day before
  notification_id uuid,                    -- null: there was nothing to tell
  made_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, world, merchant_id, local_day)
);

-- home: people. What somebody must show besides the password. `sealed_secret` counts; `sealed_offer` waits for its first
-- code and is shown to the one session that asked for it.
CREATE TABLE second_factors (
  user_id uuid PRIMARY KEY REFERENCES users,
  sealed_secret bytea,
  since timestamptz,
  last_step bigint NOT NULL DEFAULT 0,     -- of the codes taken: each step opens once
  codes_key bytea,                         -- keyed hash of the form that the recovery codes were made by
  codes_at timestamptz,
  sealed_offer bytea,
  offered_to bytea,                        -- the session's hash
  offered_at timestamptz,
  CHECK ((sealed_secret IS NULL) = (since IS NULL)),
  CHECK ((sealed_secret IS NULL) = (codes_key IS NULL) AND (codes_key IS NULL) = (codes_at IS NULL)),
  CHECK ((sealed_offer IS NULL) = (offered_to IS NULL) AND (offered_to IS NULL) = (offered_at IS NULL))
);

CREATE TABLE recovery_codes (
  user_id uuid NOT NULL REFERENCES users,
  code_hash bytea NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (user_id, code_hash)
);

-- The password was right, the code is still to come. No session.
CREATE TABLE half_sign_ins (
  token_hash bytea PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users,
  world text NOT NULL,
  expires_at timestamptz NOT NULL,
  done_at timestamptz,
  done_by bytea,                           -- keyed hash of the code that ended it, so that a form sent twice is one
  CHECK ((done_at IS NULL) = (done_by IS NULL))
);
CREATE INDEX half_sign_ins_of ON half_sign_ins (user_id);
CREATE INDEX half_sign_ins_over ON half_sign_ins (expires_at);

-- Partners and merchants whose people must have a second factor.
CREATE TABLE second_factor_rules (
  subject_kind text NOT NULL CHECK (subject_kind IN ('partner', 'merchant')),
  subject_id uuid NOT NULL,
  name text NOT NULL,
  made_by uuid NOT NULL REFERENCES users,
  made_at timestamptz NOT NULL,
  PRIMARY KEY (subject_kind, subject_id)
);

-- home: people. What was done to somebody's account. Only added to.
CREATE TABLE account_log (
  log_id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users,
  at timestamptz NOT NULL,
  actor text NOT NULL,                     -- user:<id>, operator:<who has the shell>, worker
  action text NOT NULL,
  facts jsonb NOT NULL
);
CREATE INDEX account_log_of ON account_log (user_id, log_id DESC);
CREATE INDEX account_log_about ON account_log ((facts ->> 'subject'), at DESC) WHERE facts ? 'subject';

-- The mail about a line of it, to the person.
CREATE TABLE account_mails (
  log_id uuid PRIMARY KEY REFERENCES account_log,
  world text NOT NULL,                     -- whose way out it takes
  mail_state text NOT NULL DEFAULT 'owed' CHECK (mail_state IN ('owed', 'sent', 'refused', 'given_up', 'no_address')),
  mail_tries int NOT NULL DEFAULT 0,
  mail_due_at timestamptz,                 -- not before; null = nothing is owed
  mail_why text NOT NULL DEFAULT '',
  CHECK ((mail_state = 'owed') = (mail_due_at IS NOT NULL))
);
CREATE INDEX account_mails_due ON account_mails (mail_due_at) WHERE mail_due_at IS NOT NULL;

-- home: people. Somebody of the operator looks at the portal as a merchant's member, or as a role. Only added to, but for
-- its end.
CREATE TABLE looks (
  look_id uuid PRIMARY KEY,
  staff_id uuid NOT NULL REFERENCES users,
  world text NOT NULL,
  merchant_id uuid NOT NULL,
  user_id uuid REFERENCES users,           -- as whom; null: as nobody, with the role
  role text NOT NULL CHECK (role IN ('owner', 'operations', 'analyst', 'developer')),
  reason text NOT NULL,
  may_act boolean NOT NULL,
  request_id text NOT NULL,
  began_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  ended_how text CHECK (ended_how IN ('ended', 'signed_out', 'not_staff', 'not_member')),
  ended_by_request text,
  CHECK (expires_at <= began_at + interval '60 minutes'),
  CHECK ((ended_at IS NULL) = (ended_how IS NULL))
);
CREATE INDEX looks_of ON looks (merchant_id, began_at DESC);
ALTER TABLE sessions ADD COLUMN look_id uuid REFERENCES looks;  -- the last one of this session

-- The mail about it to each of the merchant's owners.
CREATE TABLE look_mails (
  look_id uuid NOT NULL REFERENCES looks,
  user_id uuid NOT NULL REFERENCES users,
  mail_id uuid NOT NULL UNIQUE,
  world text NOT NULL,                     -- whose way out it takes
  mail_state text NOT NULL DEFAULT 'owed' CHECK (mail_state IN ('owed', 'sent', 'refused', 'given_up', 'no_address')),
  mail_tries int NOT NULL DEFAULT 0,
  mail_due_at timestamptz,                 -- not before; null = nothing is owed
  mail_why text NOT NULL DEFAULT '',
  PRIMARY KEY (look_id, user_id),
  CHECK ((mail_state = 'owed') = (mail_due_at IS NOT NULL))
);
CREATE INDEX look_mails_due ON look_mails (mail_due_at) WHERE mail_due_at IS NOT NULL;

-- home: people. Tries to sign in with a wrong password. Only added to; an e-mail that nobody has is noted as well, so that both
-- take as long, but not which.
CREATE TABLE failed_sign_ins (
  line_id uuid PRIMARY KEY,
  user_id uuid REFERENCES users,
  at timestamptz NOT NULL,
  world text NOT NULL,
  place text NOT NULL,                     -- the network that it came from: never the whole address
  request_id text NOT NULL
);
CREATE INDEX failed_sign_ins_of ON failed_sign_ins (user_id, at DESC) WHERE user_id IS NOT NULL;

GRANT USAGE ON SCHEMA public TO recoup_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO recoup_app;
REVOKE UPDATE ON membership_log, account_log, failed_sign_ins FROM recoup_app;
REVOKE UPDATE ON looks FROM recoup_app;
GRANT UPDATE (ended_at, ended_how, ended_by_request) ON looks TO recoup_app;
GRANT DELETE ON sessions, signin_failures, memberships, saved_views, second_factors, recovery_codes, half_sign_ins,
  second_factor_rules, notifications, digests TO recoup_app;
