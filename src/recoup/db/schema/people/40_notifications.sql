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
