-- The mock channels' own book, on connections of their own. Nothing of ours refers to it.
CREATE SCHEMA IF NOT EXISTS mock_channel;

-- One decision for each id: the first one counts, however often a message comes.
CREATE TABLE IF NOT EXISTS mock_channel.payments (
    id uuid PRIMARY KEY,
    channel text NOT NULL,
    order_id uuid NOT NULL,
    merchant_id uuid NOT NULL,
    units bigint NOT NULL,
    currency text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('approved', 'declined')),
    decided_at timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS mock_channel.transfers (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('refund', 'sweep')),
    payment_id uuid NOT NULL,
    units bigint NOT NULL,
    currency text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('approved', 'declined')),
    why text,
    decided_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS transfers_by_payment ON mock_channel.transfers (payment_id);

CREATE TABLE IF NOT EXISTS mock_channel.payouts (
    id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL,
    units bigint NOT NULL,
    currency text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('approved', 'declined')),
    why text,
    decided_at timestamptz NOT NULL
);
