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
