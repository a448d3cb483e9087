-- Network tokens, and by which of them an attempt is sent: 0359 writes that.
ALTER TABLE attempts ADD COLUMN network_token_id uuid;
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
  PRIMARY KEY (merchant_id, pan_id),
  UNIQUE (merchant_id, network_token_id)
);
GRANT SELECT, INSERT, UPDATE ON network_tokens TO recoup_app;
CREATE OR REPLACE FUNCTION erase_orders(merchant uuid, erased uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE order_payer SET first_name = '', last_name = '', email = '', phone = '', ip = '', billing = NULL,
    shipping = NULL
  WHERE merchant_id = merchant AND order_id = ANY(erased);
  UPDATE orders SET metadata = '{}',
    facts = facts - '{subject,description,metadata,return_url,cancel_url,sense_key,correlation_id}'::text[]
      || CASE WHEN facts #> '{decline,text}' IS NULL THEN '{}'
        ELSE jsonb_build_object('decline', facts -> 'decline' || '{"text": ""}') END || CASE WHEN facts ? 'items'
      THEN jsonb_build_object('items', (SELECT jsonb_agg(item - '{name,description}'::text[] ORDER BY n)
        FROM jsonb_array_elements(facts -> 'items') WITH ORDINALITY AS i (item, n))) ELSE '{}' END
  WHERE merchant_id = merchant AND order_id = ANY(erased);
  UPDATE stored_methods SET reference = '', customer = NULL, fingerprint = NULL
  WHERE merchant_id = merchant AND method_id = ANY (ARRAY(
    SELECT token_id FROM orders WHERE merchant_id = merchant AND order_id = ANY(erased)));
  UPDATE vault SET kek_id = NULL, wrapped_dek = NULL, nonce = NULL, ciphertext = NULL, bin = '', last4 = ''
  WHERE merchant_id = merchant AND token_id = ANY (ARRAY(
    SELECT n.network_token_id FROM orders o JOIN network_tokens n ON n.merchant_id = o.merchant_id AND n.pan_id = o.pan_id
    WHERE o.merchant_id = merchant AND o.order_id = ANY(erased)));
  UPDATE network_tokens SET state = 'deleted'
  WHERE merchant_id = merchant AND state <> 'deleted' AND pan_id = ANY (ARRAY(
    SELECT pan_id FROM orders WHERE merchant_id = merchant AND order_id = ANY(erased)));
  UPDATE order_notes SET text = '' WHERE merchant_id = merchant AND order_id = ANY(erased) AND text <> '';
  UPDATE order_words SET text = '' WHERE merchant_id = merchant AND order_id = ANY(erased) AND text <> '';
  UPDATE modifications SET message = '', hand_note = left(hand_note, 0)
  WHERE merchant_id = merchant AND order_id = ANY(erased) AND (message <> '' OR hand_note <> '');
  UPDATE refund_requests SET message = '', reason = ''
  WHERE merchant_id = merchant AND order_id = ANY(erased) AND (message <> '' OR reason <> '');
  UPDATE dispute_notes n SET text = '' FROM disputes d
  WHERE d.merchant_id = merchant AND d.order_id = ANY(erased)
    AND n.merchant_id = d.merchant_id AND n.dispute_id = d.dispute_id AND n.text <> '';
  UPDATE dispute_files n SET name = '', sha256 = '', sealed = NULL FROM disputes d
  WHERE d.merchant_id = merchant AND d.order_id = ANY(erased)
    AND n.merchant_id = d.merchant_id AND n.dispute_id = d.dispute_id AND n.sealed IS NOT NULL;
  UPDATE reconciliation_lines SET note = '' WHERE merchant_id = merchant AND order_id = ANY(erased) AND note <> '';
  UPDATE delivery_tries SET answer = '' WHERE merchant_id = merchant AND subject_id = ANY(erased) AND answer <> '';
  UPDATE order_search s
  SET text = lower(concat_ws(' ', nullif(o.external_id, ''), nullif(o.transaction_id, ''), v.last4))
  FROM orders o LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
  WHERE o.merchant_id = merchant AND o.order_id = ANY(erased)
    AND s.merchant_id = o.merchant_id AND s.order_id = o.order_id;
END $$;
