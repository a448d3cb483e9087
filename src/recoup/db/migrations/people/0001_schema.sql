-- home: people. The worlds that were ever opened beside these people: a process that was started before another world was made
-- learns of it here. A key is forgotten by who has all of them open.
CREATE TABLE installation_worlds (
  name text PRIMARY KEY,
  since timestamptz NOT NULL,
  epoch bigint NOT NULL DEFAULT 0,         -- with `beat` and `beat_at` how far the world's database was seen to be
  beat bigint NOT NULL DEFAULT 0,
  beat_at timestamptz,
  feed bigint NOT NULL DEFAULT 0,          -- the highest number of any merchant's feed then
  noted bigint NOT NULL DEFAULT 0          -- counts these notes: by it this database is told from an older copy of it
);

-- The keys that this database was written with: of each a check value that only the key itself gives, never the key.
CREATE TABLE key_checks (
  purpose text NOT NULL,
  key_id text NOT NULL,
  value bytea NOT NULL,
  retiring boolean NOT NULL DEFAULT false, -- it is about to be forgotten: nothing needs it
  PRIMARY KEY (purpose, key_id)
);

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
  world text NOT NULL DEFAULT 'sandbox',   -- in which it holds; who is to see both has two
  PRIMARY KEY (user_id, subject_kind, subject_id, world)
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

-- home: people. Somebody signs up, and is no user yet: under which ids what is being made for them stands in the world. A process
-- that dies leaves the row; the same password goes on with it. Whoever is a user has none.
CREATE TABLE unfinished_sign_ups (
  login text PRIMARY KEY,                  -- as the user will be known: the e-mail, or what stands for it
  password_hash text NOT NULL,
  kind text NOT NULL,
  user_id uuid NOT NULL,
  merchant_id uuid NOT NULL,
  site_id uuid NOT NULL,
  partner_id uuid NOT NULL,
  begun_at timestamptz NOT NULL
);
CREATE INDEX unfinished_sign_ups_old ON unfinished_sign_ups (begun_at);

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
  shared_in text,                          -- the world whose people of this merchant see it, too; null: nobody else
  PRIMARY KEY (user_id, merchant_id, view_id)
);
CREATE UNIQUE INDEX saved_views_name ON saved_views (user_id, merchant_id, lower(name));
CREATE INDEX saved_views_shared ON saved_views (merchant_id, shared_in) WHERE shared_in IS NOT NULL;

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

-- home: people. The operator looks at the portal as a merchant's member, or as a role. Only added to, but for
-- its end.
CREATE TABLE impersonations (
  impersonation_id uuid PRIMARY KEY,
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
CREATE INDEX impersonations_of ON impersonations (merchant_id, began_at DESC);
ALTER TABLE sessions ADD COLUMN impersonation_id uuid REFERENCES impersonations;  -- the last one of this session

-- The mail about it to each of the merchant's owners.
CREATE TABLE impersonation_mails (
  impersonation_id uuid NOT NULL REFERENCES impersonations,
  user_id uuid NOT NULL REFERENCES users,
  mail_id uuid NOT NULL UNIQUE,
  world text NOT NULL,                     -- whose way out it takes
  mail_state text NOT NULL DEFAULT 'owed' CHECK (mail_state IN ('owed', 'sent', 'refused', 'given_up', 'no_address')),
  mail_tries int NOT NULL DEFAULT 0,
  mail_due_at timestamptz,                 -- not before; null = nothing is owed
  mail_why text NOT NULL DEFAULT '',
  PRIMARY KEY (impersonation_id, user_id),
  CHECK ((mail_state = 'owed') = (mail_due_at IS NOT NULL))
);
CREATE INDEX impersonation_mails_due ON impersonation_mails (mail_due_at) WHERE mail_due_at IS NOT NULL;

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

-- home: people. Somebody forgot their password: the mail that is owed, and the links that set another. Also a question with an
-- e-mail that nobody has is noted, so that both take as long, but not which.
CREATE TABLE password_asks (
  ask_id uuid PRIMARY KEY,                 -- the Message-ID is made of it
  user_id uuid REFERENCES users,           -- null: nobody gets a mail
  world text NOT NULL,                     -- whose way out the mail takes
  language text NOT NULL,                  -- of the page that asked
  place text NOT NULL,                     -- the network that it came from: never the whole address
  request_id text NOT NULL,
  requested_at timestamptz NOT NULL,
  mail_state text NOT NULL CHECK (mail_state IN ('none', 'owed', 'sent', 'refused', 'given_up', 'no_address', 'dropped')),
  mail_tries int NOT NULL DEFAULT 0,
  mail_due_at timestamptz,                 -- not before; null = nothing is owed
  mail_why text NOT NULL DEFAULT '',
  CHECK ((mail_state = 'owed') = (mail_due_at IS NOT NULL)),
  CHECK ((mail_state = 'none') = (user_id IS NULL))
);
CREATE INDEX password_asks_mail ON password_asks (mail_due_at) WHERE mail_due_at IS NOT NULL;
CREATE INDEX password_asks_of ON password_asks (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX password_asks_old ON password_asks (requested_at);

-- Of the link's token only the keyed hash. Each try of a mail has a token of its own.
CREATE TABLE password_links (
  token_hash bytea PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users,
  made_by text NOT NULL,                   -- mail, or operator:<who has the shell>
  made_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX password_links_of ON password_links (user_id);
CREATE INDEX password_links_over ON password_links (expires_at);

GRANT USAGE ON SCHEMA public TO recoup_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO recoup_app;
REVOKE INSERT, UPDATE ON schema_migrations FROM recoup_app;
REVOKE UPDATE ON membership_log, account_log, failed_sign_ins FROM recoup_app;
REVOKE UPDATE ON impersonations FROM recoup_app;
GRANT UPDATE (ended_at, ended_how, ended_by_request) ON impersonations TO recoup_app;
GRANT DELETE ON key_checks, sessions, signin_failures, memberships, saved_views, second_factors, recovery_codes, half_sign_ins,
  second_factor_rules, notifications, digests, unfinished_sign_ups, password_asks, password_links TO recoup_app;
-- Doors read as a role that may write nothing; tables and partitions that are made later are for it to read, too.
GRANT USAGE ON SCHEMA public TO recoup_read;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO recoup_read;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO recoup_read;
