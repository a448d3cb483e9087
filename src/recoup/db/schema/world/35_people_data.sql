-- All personal data stands in payers and order_payer; order_search is derived from them. What people typed
-- beside orders, in which somebody may be named, goes with them: people/store/persons.py names each place.
CREATE TABLE payers (
  merchant_id uuid NOT NULL,
  payer_id uuid NOT NULL,                  -- keyed hash of the merchant's payer id, else of the e-mail
  email text,
  phone text,
  name text,
  external_id text,
  first_seen_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, payer_id)
);
CREATE INDEX payers_seen ON payers (merchant_id, first_seen_at DESC, payer_id DESC);
CREATE INDEX payers_email ON payers (merchant_id, lower(email)) WHERE email <> '';

CREATE TABLE order_payer (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  payer_id uuid,
  first_name text NOT NULL,
  last_name text NOT NULL,
  email text NOT NULL,
  phone text NOT NULL,
  ip text NOT NULL,
  billing jsonb,
  shipping jsonb,
  forgotten boolean NOT NULL DEFAULT false,  -- its customer was erased after it came
  PRIMARY KEY (merchant_id, order_id)
);
-- How many orders somebody has, and which came last, is read from it alone.
CREATE INDEX order_payer_payer ON order_payer (merchant_id, payer_id, order_id) WHERE payer_id IS NOT NULL;
CREATE INDEX order_payer_email ON order_payer (merchant_id, lower(email) text_pattern_ops);

CREATE TABLE order_search (
  merchant_id uuid NOT NULL,
  order_id uuid NOT NULL,
  placed_at timestamptz NOT NULL,
  text text NOT NULL,                      -- folded: name in its spellings, e-mail, references, last four
  fold smallint NOT NULL DEFAULT 1,        -- by which rules; 0: to be folded again
  PRIMARY KEY (merchant_id, order_id)
);
CREATE INDEX order_search_trigrams ON order_search USING gin (merchant_id, text gin_trgm_ops);
CREATE INDEX order_search_unfolded ON order_search (merchant_id, order_id) WHERE fold = 0;
