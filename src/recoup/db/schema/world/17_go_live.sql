-- A merchant asks to go live; the operator decides. One question at a time.
CREATE TABLE go_live_requests (
  merchant_id uuid NOT NULL REFERENCES merchants,
  request_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('asked', 'approved', 'refused', 'withdrawn')),
  kinds text[] NOT NULL,                   -- which kinds of orders shall go live
  conditions jsonb NOT NULL,               -- {condition: holds} as it stood when it was asked, then when it was decided
  note text NOT NULL DEFAULT '',
  requested_by text NOT NULL,
  requested_at timestamptz NOT NULL,           -- wall time
  decided_by text,
  decided_at timestamptz,
  opened_at timestamptz,                   -- when the live world had everything of an approved one
  PRIMARY KEY (merchant_id, request_id),
  CHECK ((state = 'asked') = (decided_at IS NULL))
);
CREATE INDEX go_live_waiting ON go_live_requests (merchant_id) WHERE state = 'approved' AND opened_at IS NULL;
CREATE UNIQUE INDEX go_live_one_open ON go_live_requests (merchant_id) WHERE state = 'asked';
