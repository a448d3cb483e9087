-- What is said of each month of a merchant's sends, acceptor by acceptor, once it is closed. Business time.

-- The first month that nothing was made of; the row is the lock of whoever makes a merchant's certificates.
CREATE TABLE certificate_clocks (
  merchant_id uuid PRIMARY KEY REFERENCES merchants,
  month_from timestamptz NOT NULL
);

-- Rows are never changed: what turns out otherwise later is a certificate with the next number.
CREATE TABLE certificates (
  merchant_id uuid NOT NULL,
  certificate_id uuid NOT NULL,
  chain_no int NOT NULL,                   -- counts the merchant's certificates
  month_from timestamptz NOT NULL,
  acceptor_id text NOT NULL,
  number int NOT NULL CHECK (number >= 1), -- 1, and then its corrections
  reasons jsonb NOT NULL,                  -- of a correction: which parts differ
  sends bigint NOT NULL,
  refusals bigint NOT NULL,
  breaches bigint NOT NULL,
  recounted_by text NOT NULL CHECK (recounted_by IN ('issuer', 'statement', 'none')),
  content_hash bytea NOT NULL,             -- of what would be the same if it were made again
  root bytea NOT NULL,                     -- of the file, and of the certificate before
  file bytea NOT NULL,                     -- as it is given out
  made_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, certificate_id),
  UNIQUE (merchant_id, chain_no),
  UNIQUE (merchant_id, month_from, acceptor_id, number)
);
