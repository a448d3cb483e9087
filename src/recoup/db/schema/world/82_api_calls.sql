-- Calls to the APIs with a key of the merchant's, forms that its people sent, and pages that they were
-- refused: how each was answered. No body, no header, no secret; ids in paths stand as their names. Partitioned by day.
CREATE TABLE api_calls (
  merchant_id uuid NOT NULL,
  call_id uuid NOT NULL,
  at timestamptz NOT NULL,                 -- wall time of the answer
  request_id text NOT NULL,
  key_id text NOT NULL,                    -- the key's public half, or `user:` and who
  method text NOT NULL,
  path text NOT NULL,
  status int NOT NULL,
  code text,                               -- of the Problem, in our own words; null when there was none
  ms int NOT NULL,
  place text NOT NULL DEFAULT '',          -- the network that it came from: never the whole address
  why text NOT NULL DEFAULT '',            -- which field was refused and why, without what was sent in it
  PRIMARY KEY (merchant_id, call_id)
) PARTITION BY RANGE (call_id);
CREATE INDEX api_calls_request ON api_calls (merchant_id, request_id);

-- How many calls were answered and not written, because more came at once than is kept.
CREATE TABLE api_call_gaps (
  merchant_id uuid NOT NULL,
  gap_id uuid NOT NULL,
  at timestamptz NOT NULL,
  calls int NOT NULL,
  PRIMARY KEY (merchant_id, gap_id)
);
