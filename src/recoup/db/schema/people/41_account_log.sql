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
