-- What comes in is kept. As in `90_functions.sql` each statement writes one table.

-- Cards and, where they came with one, their codes: rows of vault and cvv_once.
CREATE FUNCTION store_cards(cards jsonb, codes jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO vault (merchant_id, token_id, pan_id, magic, scheme, bin, last4, exp_month, exp_year, kek_id, wrapped_dek,
    nonce, ciphertext, created_at, issuer_digits)
  SELECT merchant_id, token_id, pan_id, magic, scheme, bin, last4, exp_month, exp_year, kek_id, wrapped_dek, nonce,
    ciphertext, created_at, issuer_digits
  FROM jsonb_populate_recordset(NULL::vault, cards)
  ON CONFLICT DO NOTHING;
  IF codes <> '[]' THEN
    INSERT INTO cvv_once (merchant_id, token_id, kek_id, wrapped_dek, nonce, ciphertext, created_at)
    SELECT merchant_id, token_id, kek_id, wrapped_dek, nonce, ciphertext, created_at
    FROM jsonb_populate_recordset(NULL::cvv_once, codes)
    ON CONFLICT DO NOTHING;
  END IF;
END $$;

-- Transmissions; one that touches an order that was sent to us also leaves due work. One that came before is worked on
-- once more at most: that changes nothing. The first WHERE is true: see `write/changes.py`.
CREATE FUNCTION add_transmissions(told jsonb) RETURNS TABLE (transmit uuid, touches boolean) LANGUAGE plpgsql AS $$
DECLARE
  ids uuid[]; linked boolean[];
BEGIN
  SELECT array_agg(i.transmit_id), array_agg(
    EXISTS (SELECT FROM order_refs f WHERE f.merchant_id = i.merchant_id AND f.door = 'rescue'
      AND f.external_id = i.external_id)
    OR (NOT i.is_declined AND EXISTS (SELECT FROM order_payer p
      WHERE p.merchant_id = i.merchant_id AND p.payer_id = i.payer_id)))
  INTO ids, linked
  FROM jsonb_to_recordset(told) AS i (merchant_id uuid, transmit_id uuid, external_id text, is_declined boolean,
    payer_id uuid)
  WHERE i.transmit_id = ANY (ARRAY[i.transmit_id]);

  INSERT INTO transmissions (merchant_id, transmit_id, external_id, transaction_id, is_declined, is_mit, units, asset,
    code_source, code, bin, last4, payer_id, transacted_at, received_at, facts)
  SELECT merchant_id, transmit_id, external_id, transaction_id, is_declined, is_mit, units, asset, code_source, code,
    bin, last4, payer_id, transacted_at, received_at, facts
  FROM jsonb_populate_recordset(NULL::transmissions, told)
  ON CONFLICT DO NOTHING;
  INSERT INTO payers (merchant_id, payer_id, email, phone, name, external_id, first_seen_at)
  SELECT DISTINCT ON (merchant_id, payer_id) merchant_id, payer_id, email, phone, name, payer_external_id, business_at
  FROM jsonb_to_recordset(told) AS i (merchant_id uuid, payer_id uuid, email text, phone text, name text,
    payer_external_id text, business_at timestamptz)
  WHERE payer_id IS NOT NULL ORDER BY merchant_id, payer_id
  ON CONFLICT DO NOTHING;
  IF true = ANY (linked) THEN
    INSERT INTO due_work (merchant_id, kind, subject_id, due_at)
    SELECT i.merchant_id, 'transmission', i.transmit_id, i.business_at
    FROM jsonb_to_recordset(told) AS i (merchant_id uuid, transmit_id uuid, business_at timestamptz)
    JOIN unnest(ids, linked) AS l (transmit_id, linked) USING (transmit_id) WHERE l.linked
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN QUERY SELECT * FROM unnest(ids, linked);
END $$;
