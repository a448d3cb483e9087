-- Who switched which kind of orders on or off, where and when. What was never switched stands as it was
-- made; the newest line of a switch says how it stands. `version` is the merchant's that the change made.
CREATE TABLE switch_changes (
  merchant_id uuid NOT NULL REFERENCES merchants,
  version int NOT NULL,
  level text NOT NULL CHECK (level IN ('merchant', 'site', 'campaign')),
  subject_id uuid NOT NULL,                -- the merchant's own id, the site's or the campaign's
  kind text NOT NULL CHECK (kind IN ('cit_web', 'cit_callcenter', 'mit')),
  is_on boolean NOT NULL,
  why text NOT NULL,
  actor text NOT NULL,
  request_id text NOT NULL,
  changed_at timestamptz NOT NULL,         -- wall time
  PRIMARY KEY (merchant_id, version, subject_id, kind),
  CHECK (level <> 'merchant' OR subject_id = merchant_id)
);
CREATE INDEX switch_changes_subject ON switch_changes (merchant_id, subject_id, kind, version DESC);
CREATE INDEX switch_changes_at ON switch_changes (merchant_id, changed_at DESC);

-- While one stands nothing that moves money leaves: no charge, capture, refund, void, payout or transfer.
CREATE TABLE directory.sending_stops (
  stop_id uuid PRIMARY KEY,
  why text NOT NULL,
  actor text NOT NULL,
  stopped_at timestamptz NOT NULL,         -- wall time, as below
  ended_by text,
  ended_at timestamptz,
  CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX sending_stops_now ON directory.sending_stops ((true)) WHERE ended_at IS NULL;

-- What `recoup live check` remembers: `opened`, `waived NAME`, `route NAME` (as which configuration it passed), `keys`
-- (which of them a copy held), `metrics read`.
CREATE TABLE directory.live_marks (
  name text PRIMARY KEY,
  mark text NOT NULL,
  actor text NOT NULL,
  marked_at timestamptz NOT NULL           -- wall time
);
