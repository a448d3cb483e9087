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
