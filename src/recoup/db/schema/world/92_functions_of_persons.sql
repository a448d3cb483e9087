-- A person's data is erased. As in `90_functions.sql` each statement writes one table.

-- Of the cards that these orders have, or had, those that no other order has whose customer is not erased.
CREATE FUNCTION cards_of_nobody_else(merchant uuid, erased uuid[]) RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
DECLARE
  cards uuid[] := ARRAY(SELECT DISTINCT c FROM orders CROSS JOIN LATERAL unnest(pan_id || cards_before) AS c
    WHERE merchant_id = merchant AND order_id = ANY(erased) AND c IS NOT NULL);
BEGIN
  RETURN ARRAY(SELECT c.pan_id FROM unnest(cards) AS c (pan_id) WHERE NOT EXISTS (
    SELECT FROM orders o LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
    WHERE o.merchant_id = merchant AND o.pan_id::text = c.pan_id::text AND o.order_id <> ALL(erased)
      AND p.forgotten IS NOT TRUE));
END $$;

-- Everything in words that stands beside these orders, which are locked. What remains to be searched by are references.
CREATE FUNCTION erase_orders(merchant uuid, erased uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ids uuid[]; said jsonb[]; texts text[];
  -- Of the cards that a processor keeps those that no other order has, likewise.
  methods uuid[] := ARRAY(SELECT DISTINCT e.token_id FROM orders e
    WHERE e.merchant_id = merchant AND e.order_id = ANY(erased) AND e.token_id IS NOT NULL AND NOT EXISTS (
      SELECT FROM orders o LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
      WHERE o.merchant_id = merchant AND o.pan_id::text = e.pan_id::text AND o.token_id = e.token_id
        AND o.order_id <> ALL(erased) AND p.forgotten IS NOT TRUE));
BEGIN
  UPDATE order_payer SET first_name = '', last_name = '', email = '', phone = '', ip = '', billing = NULL,
    shipping = NULL, forgotten = true
  WHERE merchant_id = merchant AND order_id = ANY(erased);
  SELECT array_agg(order_id),
    array_agg(facts - '{subject,description,metadata,return_url,cancel_url,sense_key,device,correlation_id}'::text[]
      || CASE WHEN facts #> '{decline,text}' IS NULL THEN '{}'
        ELSE jsonb_build_object('decline', facts -> 'decline' || '{"text": ""}') END || CASE WHEN facts ? 'items'
      THEN jsonb_build_object('items', (SELECT jsonb_agg(item - '{name,description}'::text[] ORDER BY n)
        FROM jsonb_array_elements(facts -> 'items') WITH ORDINALITY AS i (item, n))) ELSE '{}' END)
  INTO ids, said
  FROM orders WHERE merchant_id = merchant AND order_id = ANY(erased);
  UPDATE orders o SET metadata = '{}', facts = n.facts FROM unnest(ids, said) AS n (order_id, facts)
  WHERE o.merchant_id = merchant AND o.order_id = n.order_id;
  -- A sandbox's test method that names no customer is everybody's.
  UPDATE stored_methods s SET reference = '', customer = NULL, fingerprint = NULL
  WHERE s.merchant_id = merchant AND s.method_id = ANY(methods) AND (s.customer IS NOT NULL OR NOT EXISTS (
    SELECT FROM vault v WHERE v.merchant_id = merchant AND v.token_id = s.method_id AND v.magic IS NOT NULL));
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
  UPDATE card_joins SET reason = '', evidence = ''
  WHERE merchant_id = merchant AND (first_order = ANY(erased) OR second_order = ANY(erased));
  UPDATE reconciliation_lines SET note = '' WHERE merchant_id = merchant AND order_id = ANY(erased) AND note <> '';
  UPDATE delivery_tries SET answer = '' WHERE merchant_id = merchant AND subject_id = ANY(erased) AND answer <> '';
  SELECT array_agg(o.order_id),
    array_agg(lower(concat_ws(' ', nullif(o.external_id, ''), nullif(o.transaction_id, ''), v.last4)))
  INTO ids, texts
  FROM orders o LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
  WHERE o.merchant_id = merchant AND o.order_id = ANY(erased);
  UPDATE order_search s SET text = n.text FROM unnest(ids, texts) AS n (order_id, text)
  WHERE s.merchant_id = merchant AND s.order_id = n.order_id;
END $$;

-- Subscriptions go on under their ids and amounts. Of what was told of a transaction, and later about it, texts go. When
-- they paid is known of what comes from now on.
CREATE FUNCTION erase_payer(merchant uuid, payer uuid, from_now_on uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE subscriptions SET title = '', facts = '{}' WHERE merchant_id = merchant AND customer_id = payer;
  INSERT INTO payer_looks (merchant_id, payer_id, since) VALUES (merchant, payer, from_now_on)
  ON CONFLICT (merchant_id, payer_id) DO UPDATE SET at = '{}', answers = '{}', tries = '{}', orders = '{}',
    since = EXCLUDED.since;
  UPDATE transmissions SET facts = facts - '{source,type,processor,site_url,subscription}'::text[],
    outcome = coalesce((SELECT jsonb_object_agg(key, CASE jsonb_typeof(value) WHEN 'object'
      THEN value - '{reason,id,status}'::text[] WHEN 'string' THEN '""' ELSE value END) FROM jsonb_each(outcome)), '{}')
  WHERE merchant_id = merchant AND payer_id = payer;
  UPDATE payers SET email = NULL, phone = NULL, name = NULL, external_id = NULL
  WHERE merchant_id = merchant AND payer_id = payer;
END $$;
