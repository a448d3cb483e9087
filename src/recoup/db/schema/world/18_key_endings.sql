-- Keys that end, for as long as something that was made with them might still be shown: access tokens.
CREATE TABLE directory.key_endings (
  key text PRIMARY KEY,                    -- app key, tokenization key, or id of a key that signs
  ends_at timestamptz,                     -- null: it has ended
  noted_at timestamptz NOT NULL DEFAULT now()
);

-- Processes that keep the endings in memory. Whoever ends a key waits until each has read it, or may not go by it any more.
CREATE TABLE directory.key_listeners (
  listener_id uuid PRIMARY KEY,
  heard_at timestamptz NOT NULL,           -- it goes by all that was committed before this
  lease_until timestamptz NOT NULL         -- until when at most it goes by what it read
);
