-- The sandbox issuer's own book. Nothing of Recoup reads it to decide anything; proofs compare it with our tables.
CREATE SCHEMA IF NOT EXISTS issuer;

-- Every message that arrived. received_at and decided_at are wall time, sent_at is the sender's business time.
CREATE TABLE IF NOT EXISTS issuer.calls (
    seq bigserial PRIMARY KEY,
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('charge', 'refund', 'void', 'capture', 'inquiry')),
    received_at timestamptz NOT NULL,
    sent_at timestamptz,
    charge_id uuid,
    card_mac bytea,
    scheme text,
    units bigint,
    currency text,
    initiator text,
    acceptor_id text,
    order_id uuid,
    merchant_id uuid
);
CREATE INDEX IF NOT EXISTS calls_by_id ON issuer.calls (id);

-- One decision for each charge id. known_from lies ahead for a message that is still on its way;
-- hidden_inquiries is how often an inquiry finds nothing first; -1: inquiries get no answer until known_from.
CREATE TABLE IF NOT EXISTS issuer.sends (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    merchant_id uuid NOT NULL,
    card_mac bytea NOT NULL,
    scheme text NOT NULL,
    units bigint NOT NULL,
    currency text NOT NULL,
    initiator text NOT NULL,
    acceptor_id text NOT NULL,
    capture boolean NOT NULL,
    sent_at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL,
    decision text NOT NULL CHECK (decision IN ('approved', 'declined')),
    scheme_code text NOT NULL,
    advice_code text,
    known_from timestamptz,
    hidden_inquiries integer NOT NULL DEFAULT 0,
    descriptor text NOT NULL DEFAULT '',
    route text NOT NULL DEFAULT 'sandbox'
);
ALTER TABLE issuer.sends ADD COLUMN IF NOT EXISTS route text NOT NULL DEFAULT 'sandbox';
CREATE INDEX IF NOT EXISTS sends_by_order ON issuer.sends (order_id);
CREATE INDEX IF NOT EXISTS sends_by_merchant ON issuer.sends (merchant_id, sent_at);

-- Messages that a fault card kept away from the issuer.
CREATE TABLE IF NOT EXISTS issuer.dropped (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    why text NOT NULL CHECK (why IN ('lost', 'outage', 'unprocessed')),
    at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS dropped_by_order ON issuer.dropped (order_id);

CREATE TABLE IF NOT EXISTS issuer.reversals (
    id uuid PRIMARY KEY,
    charge_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('refund', 'void', 'capture')),
    units bigint NOT NULL,
    currency text NOT NULL,
    sent_at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL,
    decision text NOT NULL CHECK (decision IN ('approved', 'declined')),
    why text
);
ALTER TABLE issuer.reversals ADD COLUMN IF NOT EXISTS final_part boolean NOT NULL DEFAULT true;
ALTER TABLE issuer.reversals ADD COLUMN IF NOT EXISTS failed_at timestamptz; -- of a refund that came back
CREATE INDEX IF NOT EXISTS reversals_by_charge ON issuer.reversals (charge_id);

-- Cases of cardholders. What is open or lost has been taken back from us.
CREATE TABLE IF NOT EXISTS issuer.disputes (
    case_id text PRIMARY KEY,
    charge_id uuid NOT NULL,
    merchant_id uuid NOT NULL,
    order_id uuid NOT NULL,
    case_no integer NOT NULL,
    stage text NOT NULL CHECK (stage IN ('inquiry', 'first', 'pre_arbitration')),
    status text NOT NULL CHECK (status IN ('open', 'won', 'lost')),
    reason_code text NOT NULL,
    units bigint NOT NULL CHECK (units > 0),
    currency text NOT NULL,
    fee bigint NOT NULL,
    opened_at timestamptz NOT NULL,
    respond_by timestamptz NOT NULL,
    UNIQUE (charge_id, case_no)
);

-- Our answers to them, one decision for each id.
CREATE TABLE IF NOT EXISTS issuer.answers (
    id uuid PRIMARY KEY,
    case_id text NOT NULL,
    answer text NOT NULL CHECK (answer IN ('contest', 'accept')),
    evidence text NOT NULL,
    sent_at timestamptz NOT NULL,
    decision text NOT NULL CHECK (decision IN ('approved', 'declined')),
    why text
);

-- Files that came with them.
CREATE TABLE IF NOT EXISTS issuer.answer_files (
    answer_id uuid NOT NULL REFERENCES issuer.answers,
    file_no int NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (answer_id, file_no)
);

-- Network tokens of the token service, and how they stand.
CREATE TABLE IF NOT EXISTS issuer.tokens (
    id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL,
    token_mac bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'suspended', 'deleted')),
    exp_month integer NOT NULL,
    exp_year integer NOT NULL,
    gives_cryptogram boolean NOT NULL,
    UNIQUE (merchant_id, token_mac)
);

-- What the operator switched on, until a wall time.
CREATE TABLE IF NOT EXISTS issuer.faults (
    kind text PRIMARY KEY CHECK (kind IN ('outage', 'slow', 'silent', 'duplicate', 'refuse')),
    until timestamptz NOT NULL
);

-- What the issuers of simulated people answer, and from when on: each entry holds until the next one. Written as 51, or
-- with an advice code as 51/24.
CREATE TABLE IF NOT EXISTS issuer.timetables (
    card_mac bytea NOT NULL,
    units bigint NOT NULL,
    since timestamptz[] NOT NULL,
    answers text[] NOT NULL,
    PRIMARY KEY (card_mac, units)
);

-- What the issuer answers to an order's next charge, as the operator wants it. Its name of before is renamed.
ALTER TABLE IF EXISTS issuer.told RENAME TO next_answers;
CREATE TABLE IF NOT EXISTS issuer.next_answers (
    order_id uuid PRIMARY KEY,
    approved boolean NOT NULL
);
