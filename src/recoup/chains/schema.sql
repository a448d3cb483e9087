-- A home of its own (`db/statement.py`): what the watcher read, and what the sender sent.
DO $$
BEGIN
  IF to_regnamespace('chain') IS NULL THEN
    CREATE SCHEMA chain;
  END IF;
END $$;

-- Where the payer of an order pays: an address of its own, by its terms the same on all networks of a kind. Written with
-- the order.
CREATE TABLE deposit_addresses (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  attempt_id uuid NOT NULL,
  address bytea NOT NULL CHECK (octet_length(address) = 20),
  kind text NOT NULL CHECK (kind IN ('evm', 'tron')),
  channel text NOT NULL,                   -- that it was made for
  terms jsonb NOT NULL,                    -- who loses them cannot sweep
  due numeric(78, 0) NOT NULL,             -- base units of that channel's token
  enough numeric(78, 0) NOT NULL CHECK (enough > 0 AND enough <= due),  -- with which it is paid
  expires_at timestamptz NOT NULL,         -- business time
  watched_until timestamptz NOT NULL,      -- wall time
  refund_to bytea CHECK (octet_length(refund_to) = 20),  -- where a refund goes that names no address
  refund_by text CHECK (refund_by IN ('payer', 'merchant')),  -- whose word that is
  PRIMARY KEY (merchant_id, order_id)
);
GRANT UPDATE (refund_to, refund_by) ON deposit_addresses TO recoup_app;
CREATE INDEX deposit_addresses_attempt ON deposit_addresses (attempt_id);
CREATE INDEX deposit_addresses_watched ON deposit_addresses (kind, watched_until);
CREATE INDEX deposit_addresses_address ON deposit_addresses (kind, address);

-- How far each chain has been read. `agreed_at`: the time of the newest block on which two nodes agreed.
CREATE TABLE chain.cursors (
  chain bigint PRIMARY KEY,
  block bigint NOT NULL,
  agreed_at timestamptz NOT NULL,
  head bigint NOT NULL,
  final bigint NOT NULL,
  final_hash bytea,
  polled_at timestamptz NOT NULL,          -- wall time
  halted text,                             -- why nothing is credited any more
  halted_at timestamptz,
  mark bigint NOT NULL DEFAULT 0,          -- a block that was read, by which a reorganisation is known
  mark_hash bytea,
  compared_at timestamptz                  -- when all balances were last compared with the logs; wall time
);

-- Deposit addresses whose balances are to be compared with the logs before their order may expire, and how it came out.
CREATE TABLE chain.comparisons (
  chain bigint NOT NULL,
  address bytea NOT NULL,
  wanted_at timestamptz,                   -- wall time; null: done
  compared_at timestamptz,                 -- the time of the block whose state was read
  missing text NOT NULL DEFAULT '',        -- base units by token that no log explains; empty: none
  PRIMARY KEY (chain, address)
);
CREATE INDEX comparisons_wanted ON chain.comparisons (chain, wanted_at) WHERE wanted_at IS NOT NULL;
GRANT UPDATE (wanted_at, compared_at, missing) ON chain.comparisons TO recoup_app;

-- Whether nodes would do what deposit addresses promise. Wall time.
CREATE TABLE chain.proofs (
  chain bigint NOT NULL,
  factory bytea NOT NULL,
  wrong text NOT NULL,                     -- empty: nothing
  proved_at timestamptz NOT NULL,
  PRIMARY KEY (chain, factory)
);
GRANT UPDATE ON chain.proofs TO recoup_app;

-- What happened at an order's address, each by its log: a token came in, or the factory paid it out, whoever asked it to.
-- A transaction that moved to another block has a row for each. Base units.
CREATE TABLE chain.logs (
  chain bigint NOT NULL,
  tx bytea NOT NULL CHECK (octet_length(tx) = 32),
  log_index int NOT NULL,
  kind text NOT NULL CHECK (kind IN ('deposit', 'sweep')),
  address bytea NOT NULL,
  token bytea NOT NULL,
  value numeric(78, 0) NOT NULL,           -- of a sweep: to the merchant
  fee numeric(78, 0) NOT NULL DEFAULT 0,   -- of a sweep: to the treasury
  sender bytea,                            -- of a deposit: shown, never used
  block bigint NOT NULL,
  block_hash bytea NOT NULL,
  block_at timestamptz NOT NULL,           -- by the chain's clock, which is wall time
  business_at timestamptz NOT NULL,        -- the same by the merchant's, as it stood when the log was read
  state text NOT NULL CHECK (state IN ('seen', 'confirmed', 'orphaned')),
  seen_at timestamptz NOT NULL,            -- wall time
  followed boolean NOT NULL DEFAULT false, -- its order knows of it, as it stands
  PRIMARY KEY (chain, tx, log_index, block_hash)
);
CREATE INDEX logs_address ON chain.logs (address);
CREATE INDEX logs_open ON chain.logs (chain, block) WHERE state = 'seen';
CREATE INDEX logs_confirmed ON chain.logs (chain, block) WHERE state = 'confirmed';
CREATE INDEX logs_unfollowed ON chain.logs (chain, address) WHERE NOT followed;
GRANT UPDATE ON chain.cursors TO recoup_app;
GRANT UPDATE (state, followed) ON chain.logs TO recoup_app;

-- The merchant's own wallets, by kind of chain; of those that hold the latest is in use. Business time.
CREATE TABLE settlement_addresses (
  merchant_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('evm', 'tron')),
  address_id uuid NOT NULL,
  address text NOT NULL,
  set_by text NOT NULL,
  set_at timestamptz NOT NULL,
  holds_from timestamptz,                  -- a delay after the approval, in which somebody may object
  approved_by text,
  approved_at timestamptz,
  withdrawn_at timestamptz,
  PRIMARY KEY (merchant_id, kind, address_id),
  CHECK ((approved_at IS NULL) = (approved_by IS NULL) AND (approved_at IS NULL) = (holds_from IS NULL))
);
GRANT UPDATE (holds_from, approved_by, approved_at, withdrawn_at) ON settlement_addresses TO recoup_app;

-- How much less than its amount pays an order that is made from then on.
CREATE TABLE shortfall_tolerances (
  merchant_id uuid PRIMARY KEY,
  basis_points int NOT NULL CHECK (basis_points BETWEEN 0 AND 500)
);
GRANT UPDATE ON shortfall_tolerances TO recoup_app;

-- Where the refund of custodial money goes: fixed with the refund, or with the request for it.
CREATE TABLE refund_destinations (
  merchant_id uuid NOT NULL,
  modification_id uuid NOT NULL,
  order_id uuid NOT NULL,
  address bytea NOT NULL CHECK (octet_length(address) = 20),
  given_by text NOT NULL CHECK (given_by IN ('merchant', 'payer')),
  PRIMARY KEY (merchant_id, modification_id)
);

-- What is to be sent on a chain: a deposit's sweep, or a transfer out of the custody wallet. Base units.
CREATE TABLE chain.sends (
  send_id uuid PRIMARY KEY,                -- the message of the core's that wants it
  chain bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('sweep', 'transfer')),
  channel text NOT NULL,
  token bytea NOT NULL,
  terms jsonb,                             -- of a sweep
  source bytea,                            -- of a transfer: the custody wallet, which alone can sign it
  receiver bytea,                          -- of a transfer
  value numeric(78, 0),                    -- of a transfer
  merchant_id uuid NOT NULL,               -- whose money it is
  subject_kind text NOT NULL CHECK (subject_kind IN ('settlement', 'custody', 'stray', 'refund', 'payout')),
  subject_id uuid NOT NULL,                -- the settlement, order, refund or payout
  state text NOT NULL CHECK (state IN ('wanted', 'signed', 'held', 'done', 'failed')),  -- held: a person says whether it went
  hash bytea,                              -- of the transaction that it is in
  why text,                                -- it failed, or is held
  went_at timestamptz,                     -- a person said that it went, by a transaction that is not ours
  reported boolean NOT NULL DEFAULT false, -- its end has reached what wants it
  wanted_at timestamptz NOT NULL,
  CHECK ((kind = 'sweep') = (terms IS NOT NULL)),
  CHECK ((kind = 'transfer') = (source IS NOT NULL AND receiver IS NOT NULL AND value IS NOT NULL))
);
CREATE INDEX sends_wanted ON chain.sends (chain, wanted_at, send_id) WHERE state = 'wanted';
CREATE INDEX sends_hash ON chain.sends (hash) WHERE hash IS NOT NULL;
CREATE INDEX sends_unreported ON chain.sends (chain, send_id) WHERE state IN ('done', 'failed') AND NOT reported;
CREATE INDEX sends_merchant ON chain.sends (merchant_id, subject_id);
CREATE INDEX sends_stuck ON chain.sends (wanted_at) WHERE state IN ('failed', 'held');
CREATE INDEX sends_by_hand ON chain.sends (chain, channel) WHERE state = 'held' OR went_at IS NOT NULL;
GRANT UPDATE (state, hash, why, went_at, reported) ON chain.sends TO recoup_app;

-- Transactions as they were signed, before anything left: a repeat is the same bytes. Of one number the newest row is
-- what was sent last, and any of them may be mined.
CREATE TABLE chain.transactions (
  chain bigint NOT NULL,
  sender bytea NOT NULL,
  number bigint NOT NULL,                  -- the sender's nonce
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  raw bytea NOT NULL,
  fee_per_gas numeric(78, 0) NOT NULL,
  tip_per_gas numeric(78, 0) NOT NULL,
  gas bigint NOT NULL,
  signed_at timestamptz NOT NULL,
  signed_block bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('signed', 'mined', 'reverted', 'replaced', 'lost')),
  paid numeric(78, 0),                     -- what its gas cost, in the chain's coin, mined or reverted
  block bigint,                            -- where it was then
  PRIMARY KEY (chain, sender, number, hash),
  CHECK ((state IN ('mined', 'reverted')) = (paid IS NOT NULL)),
  CHECK ((paid IS NULL) = (block IS NULL))
);
CREATE INDEX transactions_open ON chain.transactions (chain, sender, number) WHERE state = 'signed';
CREATE UNIQUE INDEX transactions_hash ON chain.transactions (chain, hash);
CREATE INDEX transactions_signed ON chain.transactions (chain, signed_at);
GRANT UPDATE (state, paid, block, signed_block) ON chain.transactions TO recoup_app;

-- Keys that sign. `begins`: whatever the chain has of lower numbers, a person has accounted for.
CREATE TABLE chain.senders (
  chain bigint NOT NULL,
  sender bytea NOT NULL,
  begins bigint NOT NULL,
  halted text,                             -- why it signs nothing before a person has looked
  trouble text,                            -- what keeps it from sending, or soon will
  troubled_at timestamptz,
  PRIMARY KEY (chain, sender)
);
GRANT UPDATE ON chain.senders TO recoup_app;

-- The process that signs with a key: its session's lock is one server's alone. The last to take it has it.
CREATE TABLE chain.sender_holders (
  chain bigint NOT NULL,
  sender bytea NOT NULL,
  holder uuid NOT NULL,
  since timestamptz NOT NULL,
  PRIMARY KEY (chain, sender)
);
GRANT UPDATE ON chain.sender_holders TO recoup_app;

-- As `cell_mark`.
CREATE TABLE chain.chain_mark (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch bigint NOT NULL,
  beat bigint NOT NULL,
  at timestamptz NOT NULL
);
GRANT UPDATE ON chain.chain_mark TO recoup_app;

GRANT USAGE ON SCHEMA chain TO recoup_app, recoup_read;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA chain TO recoup_app;
GRANT SELECT ON ALL TABLES IN SCHEMA chain TO recoup_read;
ALTER DEFAULT PRIVILEGES IN SCHEMA chain GRANT SELECT ON TABLES TO recoup_read;
