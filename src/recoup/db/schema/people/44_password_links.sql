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
