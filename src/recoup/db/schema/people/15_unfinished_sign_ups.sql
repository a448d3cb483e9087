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
