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
