-- What wrote several tables by one statement writes one after the other.

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

-- Opens lanes for what stands in the next `numbers` of a replay's feed, under the feed's lock; answers whether there are
-- more. Of each subject the first event that is asked for sends its lane back, in the step in which it stands. A lane
-- that still has that event before it goes on as it is. What the lane was about to send is sent after what is sent again.
CREATE FUNCTION open_lanes(merchant uuid, replay uuid, numbers int, wall timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  r replays; up_to bigint; in_order boolean; stable boolean;
  subjects uuid[]; seqs int[]; ids uuid[];
BEGIN
  SELECT * INTO r FROM replays t
  WHERE t.merchant_id = merchant AND t.replay_id = replay AND t.done_to < t.feed_to FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  up_to := least(r.done_to + numbers, r.feed_to);
  SELECT e.ordered, e.format = 'stablecoin' INTO in_order, stable FROM endpoints e
  WHERE e.endpoint_id = r.endpoint_id AND e.state = 'active';
  SELECT array_agg(f.subject_id), array_agg(f.seq), array_agg(f.event_id) INTO subjects, seqs, ids
  FROM feed f
  JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
    AND (r.at_from IS NULL OR b.business_at >= r.at_from) AND (r.at_to IS NULL OR b.business_at < r.at_to)
  WHERE f.merchant_id = merchant AND f.feed_no > r.done_to AND f.feed_no <= up_to AND f.event = ANY(r.events)
    AND stable = (f.number IS NULL);

  IF ids IS NOT NULL THEN
    INSERT INTO lanes (merchant_id, endpoint_id, lane_id, subject_id, next_seq, due_at, replay_id, live_seq)
    SELECT merchant, r.endpoint_id, f.lane_id, f.subject_id, f.seq, wall, replay, CASE WHEN in_order THEN (
        SELECT max(x.seq) + 1 FROM feed x WHERE x.merchant_id = merchant AND x.subject_id = f.subject_id)
      ELSE f.seq + 1 END
    FROM (
      SELECT CASE WHEN in_order THEN i.subject_id ELSE i.event_id END AS lane_id, i.subject_id, min(i.seq) AS seq
      FROM unnest(subjects, seqs, ids) AS i (subject_id, seq, event_id)
      WHERE NOT in_order OR NOT EXISTS (
        SELECT FROM feed g
        JOIN outbox b ON b.merchant_id = g.merchant_id AND b.subject_id = g.subject_id AND b.seq = g.seq
        WHERE g.merchant_id = merchant AND g.subject_id = i.subject_id AND g.feed_no BETWEEN r.feed_from AND r.done_to
          AND g.event = ANY(r.events) AND (r.at_from IS NULL OR b.business_at >= r.at_from)
          AND (r.at_to IS NULL OR b.business_at < r.at_to))
      GROUP BY 1, 2) f
    ORDER BY f.lane_id
    ON CONFLICT (merchant_id, endpoint_id, lane_id) DO UPDATE SET next_seq = EXCLUDED.next_seq,
      due_at = EXCLUDED.due_at, replay_id = EXCLUDED.replay_id, live_seq = lanes.next_seq, fails = 0, tries = 0
    WHERE lanes.next_seq > EXCLUDED.next_seq;
  END IF;
  UPDATE replays t SET done_to = up_to, found = t.found + coalesce(cardinality(ids), 0)
  WHERE t.merchant_id = merchant AND t.replay_id = replay;
  RETURN up_to < r.feed_to;
END $$;

-- Everything in words that stands beside these orders, which are locked. What remains to be searched by are references.
CREATE FUNCTION erase_orders(merchant uuid, erased uuid[]) RETURNS void LANGUAGE plpgsql AS $$
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
  UPDATE order_notes SET text = '' WHERE merchant_id = merchant AND order_id = ANY(erased) AND text <> '';
  UPDATE order_words SET text = '' WHERE merchant_id = merchant AND order_id = ANY(erased) AND text <> '';
  UPDATE refunds SET message = '', hand_note = left(hand_note, 0)
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
