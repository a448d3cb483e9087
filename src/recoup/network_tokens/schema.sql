-- Network tokens: a number in the place of a card's, made by its network for one merchant, one for each card. The number is
-- sealed in the vault under `network_token_id`, with the token's own expiry.
CREATE TABLE network_tokens (
  merchant_id uuid NOT NULL,
  pan_id uuid NOT NULL,                    -- the card number that it stands for
  network_token_id uuid NOT NULL,          -- by which the token service knows it
  token_id uuid NOT NULL,                  -- the card that it is made from
  service text NOT NULL,                   -- the route that made it
  state text NOT NULL CHECK (state IN ('requested', 'active', 'suspended', 'deleted', 'refused')),
  requestor_id text,
  requested_at timestamptz NOT NULL,       -- wall time, as changed_at
  changed_at timestamptz NOT NULL,
  deletion_owed boolean NOT NULL DEFAULT false,  -- its service is still to delete it
  deletion_answer text,                    -- what the service said of that
  PRIMARY KEY (merchant_id, pan_id),
  UNIQUE (merchant_id, network_token_id)
);
GRANT UPDATE ON network_tokens TO recoup_app;
ALTER TABLE attempts ADD COLUMN network_token_id uuid;  -- by which it is sent; null: by the card itself

-- The numbers of tokens whose cards no other order has, before these orders are erased.
CREATE FUNCTION erase_tokens(merchant uuid, erased uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  gone uuid[] := cards_of_nobody_else(merchant, erased);
BEGIN
  UPDATE vault SET kek_id = NULL, wrapped_dek = NULL, nonce = NULL, ciphertext = NULL, bin = '', last4 = ''
  WHERE merchant_id = merchant AND token_id = ANY (ARRAY(
    SELECT network_token_id FROM network_tokens WHERE merchant_id = merchant AND pan_id = ANY(gone)));
  UPDATE network_tokens SET state = 'deleted'
  WHERE merchant_id = merchant AND state <> 'deleted' AND pan_id = ANY(gone);
END $$;
