-- What the operator keeps of an approved order. A term is never changed: a later one takes its place.
CREATE TABLE fee_terms (
  merchant_id uuid NOT NULL REFERENCES merchants,
  term_id uuid NOT NULL,
  site_id uuid,                            -- null = every site; so with the next two
  order_type text CHECK (order_type IN ('CIT', 'MIT', 'STABLE')),
  currency text,
  basis_points int NOT NULL DEFAULT 0 CHECK (basis_points BETWEEN 0 AND 10000),
  fixed_units bigint NOT NULL DEFAULT 0 CHECK (fixed_units >= 0),
  minimum_units bigint NOT NULL DEFAULT 0 CHECK (minimum_units >= 0),
  refund text NOT NULL DEFAULT 'keep' CHECK (refund IN ('keep', 'pro_rata', 'full')),
  ended boolean NOT NULL DEFAULT false,    -- from its date on the scope has no term of its own
  valid_from timestamptz NOT NULL,         -- business time
  actor text NOT NULL,
  note text NOT NULL DEFAULT '',
  recorded_at timestamptz NOT NULL,
  business_at timestamptz NOT NULL,        -- by the merchant's clock, when it was set
  PRIMARY KEY (merchant_id, term_id),
  FOREIGN KEY (merchant_id, site_id) REFERENCES sites,
  CHECK (currency IS NOT NULL OR fixed_units = 0 AND minimum_units = 0)
);
