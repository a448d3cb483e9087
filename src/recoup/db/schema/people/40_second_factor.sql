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
