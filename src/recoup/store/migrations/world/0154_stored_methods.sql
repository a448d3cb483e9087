-- Cards that a processor keeps: their rows in the vault have nothing sealed.
ALTER TABLE vault
  ALTER COLUMN kek_id DROP NOT NULL, ALTER COLUMN wrapped_dek DROP NOT NULL,
  ALTER COLUMN nonce DROP NOT NULL, ALTER COLUMN ciphertext DROP NOT NULL,
  ADD CONSTRAINT vault_sealed CHECK (num_nulls(kek_id, wrapped_dek, nonce, ciphertext) IN (0, 4)) NOT VALID;
CREATE TABLE stored_methods (
  merchant_id uuid NOT NULL,
  method_id uuid NOT NULL,
  route text NOT NULL,
  reference text NOT NULL,
  customer text,
  fingerprint text,
  funding text,
  country text,
  created_at timestamptz NOT NULL,
  closed_at timestamptz,
  PRIMARY KEY (merchant_id, method_id)
);
GRANT SELECT, INSERT, UPDATE ON stored_methods TO recoup_app;
