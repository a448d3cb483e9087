-- What processors' signed notices are about: a row an object, however many notices it had.
CREATE TABLE processor_notices (
  merchant_id uuid NOT NULL,
  object_key uuid NOT NULL,                -- made of route, subject and object
  route text NOT NULL,
  subject text NOT NULL CHECK (subject IN
    ('charge', 'modification', 'dispute', 'method', 'ended', 'invoice', 'fraud', 'hold')),
  about text NOT NULL,                     -- the processor's id of the object
  kind text NOT NULL,                      -- of the newest notice, in the processor's words
  message_id uuid,                         -- ours, of what the object came from
  charge text,                             -- what it hangs on, by the processor's ids
  invoice text,
  approves boolean NOT NULL,               -- one of them says that money moved
  notices text[] NOT NULL,                 -- ids of the newest ones
  times int NOT NULL DEFAULT 1,
  happened_at timestamptz NOT NULL,        -- the newest, as the processor says
  received_at timestamptz NOT NULL,        -- wall time
  became text,                             -- what asking found; null while it waits
  movement jsonb,                          -- what its signed part says of a vendor whose book cannot be read
  PRIMARY KEY (merchant_id, object_key)
);
CREATE INDEX processor_notices_age ON processor_notices (received_at);
-- Failed invoices that are not rescued; `LEFT_OUT` of processors/rules/billing says why.
CREATE INDEX processor_notices_not_taken ON processor_notices (merchant_id, received_at DESC)
  WHERE subject = 'invoice' AND became IN ('first_payment', 'paid_again', 'subscription_unpaid', 'subscription_paused',
    'subscription_cancelled', 'billing_stopped', 'no_method');

-- How many notices each route had, by what became of them at the door.
CREATE TABLE directory.processor_notice_counts (
  route text NOT NULL,
  day date NOT NULL,                       -- wall time
  became text NOT NULL CHECK (became IN
    ('taken', 'repeated', 'unknown_kind', 'needs_nothing', 'not_mine', 'not_ours', 'unsigned', 'unread')),
  count bigint NOT NULL,
  last_at timestamptz,                     -- of the newest; wall time, null before this was kept
  PRIMARY KEY (route, day, became)
);

-- Kinds of signed notices that no connector of this release reads: few, each once a route.
CREATE TABLE directory.unread_notice_kinds (
  route text NOT NULL,
  kind text NOT NULL,                      -- in the processor's words
  count bigint NOT NULL,
  last_at timestamptz NOT NULL,            -- wall time
  PRIMARY KEY (route, kind)
);
