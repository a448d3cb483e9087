-- Invoices of a processor's own billing that are rescued here, and what was agreed with that billing about each.
CREATE TABLE processor_invoices (
  merchant_id uuid NOT NULL,
  invoice_key uuid NOT NULL,               -- made of route and invoice
  route text NOT NULL,
  invoice text NOT NULL,
  subscription text,
  billing text NOT NULL CHECK (billing IN ('take_over', 'beside')),
  method text NOT NULL,                    -- what would be charged now
  customer text NOT NULL,
  units bigint NOT NULL,                   -- what is left to be paid
  asset text NOT NULL,
  order_id uuid,                           -- null until it is admitted
  counted int NOT NULL DEFAULT 0,          -- the billing's own tries that the card's limits know
  retries text NOT NULL DEFAULT 'on' CHECK (retries IN ('on', 'stopping', 'off', 'starting', 'given_back')),
  own_retry_at timestamptz,                -- wall time, as below: the billing's next try
  ended text,                              -- why nothing more is to be done; null while something is
  came_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, invoice_key)
);
CREATE INDEX processor_invoices_subscribed ON processor_invoices (merchant_id, subscription) WHERE ended IS NULL;
CREATE INDEX processor_invoices_customer ON processor_invoices (merchant_id, customer) WHERE ended IS NULL;
CREATE INDEX processor_invoices_order ON processor_invoices (merchant_id, order_id);
