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
-- once more at most: that changes nothing. Its first WHERE is true: see `write_changes`.
CREATE FUNCTION add_transmissions(told jsonb) RETURNS TABLE (transmit uuid, touches boolean) LANGUAGE plpgsql AS $$
DECLARE
  ids uuid[]; linked boolean[];
BEGIN
  SELECT array_agg(i.transmit_id), array_agg(
    EXISTS (SELECT FROM order_refs f WHERE f.merchant_id = i.merchant_id AND f.door = 'rescue'
      AND f.external_id = i.external_id)
    OR ((NOT i.is_declined OR i.revokes) AND EXISTS (SELECT FROM order_payer p
      WHERE p.merchant_id = i.merchant_id AND p.payer_id = i.payer_id)))
  INTO ids, linked
  FROM jsonb_to_recordset(told) AS i (merchant_id uuid, transmit_id uuid, external_id text, is_declined boolean,
    revokes boolean, payer_id uuid)
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

-- An order that is being admitted, with the card of its token.
CREATE TYPE admitted_order AS (
  merchant_id uuid, order_id uuid, key text, input_mac bytea, answer jsonb, door text, kind text, order_type text,
  source text, external_id text, generation int, site_id uuid, campaign_id uuid, descriptor text, asset text,
  units bigint, amount_text text, token_id uuid, transaction_id text, placed_at timestamptz, expires_at timestamptz,
  facts jsonb, actor text, request_id text, recorded_at timestamptz, event_id uuid, event jsonb, due_at timestamptz,
  payer_id uuid, first_name text, last_name text, email text, phone text, ip text, billing jsonb, shipping jsonb,
  payer_external_id text, search text, stage text, happening text, status smallint, operation text, subject_kind text,
  due_kind text, attempt_id uuid, channel text, decided boolean, arm text, arm_version int, card_id uuid, pan_id uuid,
  last4 text, scheme text, bin text, arm_share smallint
);

-- Admits orders; answers those that now exist, each with its card. Writes nothing for a row whose key or order id is
-- known, whose token is unknown or without a number (stablecoin orders have none), or whose merchant has changed since
-- it was read: those get no line in the answer and take the slow way. When another call wins a race between the two
-- uniqueness checks, all is undone, so that a key never stands without its order. Of one that is `decided` later in the
-- same transaction, head and due work are written with what was decided. `recent`: transmissions from this id on are
-- looked at for a success that came before its decline. Its first WHERE is true: see `write_changes`.
CREATE FUNCTION admit_orders(given jsonb, recent uuid)
RETURNS TABLE (admitted uuid, card uuid, pan uuid, card_scheme text, card_bin text) LANGUAGE plpgsql AS $$
DECLARE
  fresh admitted_order[]; kept bigint; undecided boolean; stable boolean; made int;
BEGIN
  SELECT array_agg(ROW(
    i.merchant_id, i.order_id, i.key, i.input_mac, i.answer, i.door, i.kind, i.order_type, i.source, i.external_id,
    i.generation, i.site_id, i.campaign_id, i.descriptor, i.asset, i.units, i.amount_text, i.token_id,
    i.transaction_id, i.placed_at, i.expires_at, i.facts, i.actor, i.request_id, i.recorded_at, i.event_id, i.event,
    i.due_at, i.payer_id, i.first_name, i.last_name, i.email, i.phone, i.ip, i.billing, i.shipping,
    i.payer_external_id, i.search, i.stage, i.happening, i.status, i.operation, i.subject_kind, i.due_kind,
    i.attempt_id, i.channel, i.decided, i.arm, i.arm_version,
    CASE WHEN v.magic IS NOT NULL THEN md5(i.order_id::text || v.pan_id::text)::uuid ELSE v.pan_id END, v.pan_id,
    v.last4, v.scheme, v.bin, i.arm_share)::admitted_order), bool_or(i.decided IS NOT TRUE), bool_or(i.attempt_id IS NOT NULL)
  INTO fresh, undecided, stable
  FROM jsonb_to_recordset(given) AS i (
    merchant_id uuid, merchant_version int, order_id uuid, key text, input_mac bytea, answer jsonb, door text,
    kind text, order_type text, source text, external_id text, generation int, site_id uuid, campaign_id uuid,
    descriptor text, asset text, units bigint, amount_text text, token_id uuid, transaction_id text,
    placed_at timestamptz, expires_at timestamptz, facts jsonb, actor text, request_id text, recorded_at timestamptz,
    event_id uuid, event jsonb, due_at timestamptz, payer_id uuid, first_name text, last_name text, email text,
    phone text, ip text, billing jsonb, shipping jsonb, payer_external_id text, search text, stage text,
    happening text, status smallint, operation text, subject_kind text, due_kind text, attempt_id uuid, channel text,
    decided boolean, arm text, arm_version int, arm_share smallint)
  JOIN merchants m ON m.merchant_id = i.merchant_id AND m.version = i.merchant_version
  LEFT JOIN vault v ON v.merchant_id = i.merchant_id AND v.token_id = i.token_id
  WHERE i.order_id = ANY (ARRAY[i.order_id])
    AND (v.kek_id IS NOT NULL OR i.kind = 'stable' OR EXISTS (SELECT FROM stored_methods k
      WHERE k.merchant_id = v.merchant_id AND k.method_id = v.token_id))
    AND NOT EXISTS (SELECT FROM requests r
      WHERE r.merchant_id = i.merchant_id AND r.operation = i.operation AND r.key = i.key)
    AND NOT EXISTS (SELECT FROM order_refs f WHERE f.merchant_id = i.merchant_id AND f.door = i.door
      AND f.external_id = i.external_id AND f.generation >= i.generation);
  IF fresh IS NULL THEN
    RETURN;
  END IF;

  INSERT INTO requests (merchant_id, operation, key, input_mac, subject_id, state, answer, created_at)
  SELECT merchant_id, operation, key, input_mac, order_id, 'answered', answer, recorded_at
  FROM unnest(fresh) ORDER BY merchant_id, key
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS kept = ROW_COUNT;
  IF kept <> cardinality(fresh) THEN  -- some keys came twice: each stands for one order
    SELECT array_agg(f) INTO fresh FROM unnest(fresh) f
    JOIN requests r ON r.merchant_id = f.merchant_id AND r.operation = f.operation AND r.key = f.key
      AND r.subject_id = f.order_id;
    IF fresh IS NULL THEN
      RETURN;
    END IF;
  END IF;
  INSERT INTO order_refs (merchant_id, door, external_id, generation, order_id)
  SELECT merchant_id, door, external_id, generation, order_id FROM unnest(fresh) ORDER BY 1, 2, 3
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS kept = ROW_COUNT;
  IF kept <> cardinality(fresh) THEN
    RAISE EXCEPTION 'another call took an order id in between';
  END IF;

  FOR made IN
  INSERT INTO order_log (merchant_id, order_id, seq, happening, src, dst, body, actor, request_id, business_at,
    recorded_at)
  SELECT merchant_id, order_id, 1, happening, 'new', stage, '{}', actor, request_id, placed_at, recorded_at
  FROM unnest(fresh)
  RETURNING 1 LOOP END LOOP;
  FOR made IN
  INSERT INTO order_states (merchant_id, order_id, stage, version)
  SELECT merchant_id, order_id, stage, 1 FROM unnest(fresh)
  RETURNING 1 LOOP END LOOP;
  FOR made IN
  INSERT INTO orders (merchant_id, order_id, door, kind, external_id, generation, site_id,
    campaign_id, descriptor, asset, units, amount_text, token_id, card_id, pan_id, transaction_id, placed_at,
    expires_at, facts, arm, arm_version, arm_share)
  SELECT merchant_id, order_id, door, kind, external_id, generation, site_id, campaign_id, descriptor, asset,
    units, amount_text, token_id, card_id, pan_id, transaction_id, placed_at, expires_at, facts,
    arm, arm_version, arm_share
  FROM unnest(fresh)
  RETURNING 1 LOOP END LOOP;
  IF undecided THEN
    FOR made IN
    INSERT INTO order_heads (merchant_id, order_id, placed_at, created_at, status, order_type, source, door, site_id,
      asset, units, expires_at, descriptor, campaign_id, decline_code, decline_source, card_scheme, card_bin, undecided)
    SELECT merchant_id, order_id, placed_at, CASE WHEN status <> 0 THEN placed_at END, status, order_type, source, door,
      site_id, asset, units, expires_at, descriptor, campaign_id, coalesce(facts -> 'decline' ->> 'code', ''),
      lower(coalesce(facts -> 'decline' ->> 'source', '')), coalesce(scheme, ''), coalesce(bin, ''),
      status = 0
    FROM unnest(fresh) WHERE decided IS NOT TRUE
    RETURNING 1 LOOP END LOOP;
    FOR made IN
    INSERT INTO due_work (merchant_id, kind, subject_id, due_at)
    SELECT merchant_id, due_kind, order_id, due_at FROM unnest(fresh) WHERE decided IS NOT TRUE
    RETURNING 1 LOOP END LOOP;
  END IF;
  INSERT INTO payers (merchant_id, payer_id, email, phone, name, external_id, first_seen_at)
  SELECT DISTINCT ON (merchant_id, payer_id) merchant_id, payer_id, email, phone, trim(first_name || ' ' || last_name),
    payer_external_id, placed_at
  FROM unnest(fresh) WHERE payer_id IS NOT NULL ORDER BY merchant_id, payer_id
  ON CONFLICT DO NOTHING;
  FOR made IN
  INSERT INTO order_payer (merchant_id, order_id, payer_id, first_name, last_name, email, phone, ip, billing, shipping)
  SELECT merchant_id, order_id, payer_id, first_name, last_name, email, phone, ip, billing, shipping FROM unnest(fresh)
  RETURNING 1 LOOP END LOOP;
  FOR made IN
  INSERT INTO order_search (merchant_id, order_id, placed_at, text)
  SELECT merchant_id, order_id, placed_at, concat_ws(' ', search, last4) FROM unnest(fresh)
  RETURNING 1 LOOP END LOOP;
  FOR made IN
  INSERT INTO outbox (merchant_id, subject_id, seq, subject_kind, event_id, event, body, business_at, recorded_at)
  SELECT merchant_id, order_id, 1, subject_kind, event_id, 'order.submitted', event, placed_at,
    recorded_at
  FROM unnest(fresh)
  RETURNING 1 LOOP END LOOP;
  FOR made IN
  INSERT INTO outbox_queue (merchant_id, subject_id, seq, recorded_at)
  SELECT merchant_id, order_id, 1, recorded_at FROM unnest(fresh)
  RETURNING 1 LOOP END LOOP;
  IF stable THEN  -- what a stablecoin order waits for
    FOR made IN
    INSERT INTO attempts (merchant_id, attempt_id, order_id, attempt_no, state, ladder, due_at, route, units, asset,
      initiator)
    SELECT merchant_id, attempt_id, order_id, 1, 'planned', 'payment', placed_at, channel, units, asset, 'payer'
    FROM unnest(fresh) WHERE attempt_id IS NOT NULL
    RETURNING 1 LOOP END LOOP;
    -- Where they are paid, of those on a chain.
    FOR made IN
    INSERT INTO deposit_addresses (address, kind, merchant_id, order_id, attempt_id, channel, terms, due, enough,
      expires_at, watched_until)
    SELECT decode(c ->> 'raw', 'hex'), c ->> 'kind', f.merchant_id, f.order_id, f.attempt_id, f.channel, c -> 'terms',
      (c ->> 'due')::numeric, (c ->> 'enough')::numeric, (c ->> 'expires_at')::timestamptz, (c ->> 'watched_until')::timestamptz
    FROM unnest(fresh) f CROSS JOIN LATERAL (SELECT f.facts -> 'chain' AS c) t WHERE c IS NOT NULL
    RETURNING 1 LOOP END LOOP;
  END IF;
  -- A later success of the same payment that was transmitted first.
  WITH later AS MATERIALIZED (
    SELECT a.merchant_id, t.transmit_id, a.placed_at
    FROM unnest(fresh) a JOIN transmissions t ON t.merchant_id = a.merchant_id AND t.external_id = a.external_id
    WHERE t.transmit_id >= recent AND NOT coalesce((t.outcome ->> 'is_declined')::boolean, t.is_declined)
      AND t.transacted_at > (a.facts -> 'decline' ->> 'at')::timestamptz
  )
  INSERT INTO due_work (merchant_id, kind, subject_id, due_at)
  SELECT merchant_id, 'transmission', transmit_id, placed_at FROM later
  ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT f.order_id, f.card_id, f.pan_id, f.scheme, f.bin FROM unnest(fresh) f;
END $$;

-- Counts orders whose customers wait under their names, and answers what was there before: of each name how many other
-- orders came within the hour, the day and the week, and how many other cards within the day; how often this customer
-- paid with this card; the median of the merchant's last payments in the currency; and the processor's newest risk of the
-- card. Of each name at most 50 rows are read, however many there are. Its first WHERE is true: see `write_changes`.
CREATE FUNCTION note_sightings(given jsonb) RETURNS TABLE (sighted uuid, seen jsonb, paid int, usual bigint, risk text)
LANGUAGE plpgsql AS $$
BEGIN
  WITH named AS MATERIALIZED (
    SELECT i.merchant_id, n.key, n.value::uuid AS name, i.subject, o.pan_id, i.at
    FROM jsonb_to_recordset(given) AS i (merchant_id uuid, order_id uuid, subject uuid, at timestamptz, names jsonb)
    JOIN orders o ON o.merchant_id = i.merchant_id AND o.order_id = i.order_id
    CROSS JOIN LATERAL jsonb_each_text(i.names || jsonb_build_object('card', o.pan_id)) n
    WHERE i.order_id = ANY (ARRAY[i.order_id]) AND o.pan_id IS NOT NULL
  )
  INSERT INTO risk_sightings (merchant_id, kind, name, subject, pan_id, at)
  SELECT merchant_id, key, name, subject, pan_id, at FROM named ORDER BY 1, 2, 3, 4, 5
  ON CONFLICT DO NOTHING;
  RETURN QUERY
  SELECT i.order_id,
    coalesce((SELECT jsonb_object_agg(n.key, (
        SELECT jsonb_build_object(
          'hour', count(DISTINCT s.subject) FILTER (WHERE s.subject <> i.subject AND s.at > i.at - interval '1 hour'),
          'day', count(DISTINCT s.subject) FILTER (WHERE s.subject <> i.subject AND s.at > i.at - interval '1 day'),
          'week', count(DISTINCT s.subject) FILTER (WHERE s.subject <> i.subject),
          'cards', count(DISTINCT s.pan_id) FILTER (WHERE s.pan_id <> o.pan_id AND s.at > i.at - interval '1 day'))
        FROM (SELECT r.subject, r.pan_id, r.at FROM risk_sightings r
          WHERE r.merchant_id = i.merchant_id AND r.kind = n.key AND r.name = n.value::uuid
            AND r.at > i.at - interval '7 days' ORDER BY r.at DESC LIMIT 50) s))
      FROM jsonb_each_text(i.names || jsonb_build_object('card', o.pan_id)) n WHERE o.pan_id IS NOT NULL), '{}'),
    (SELECT count(*)::int FROM (
      SELECT FROM (SELECT p.order_id FROM order_payer p
          WHERE p.merchant_id = i.merchant_id AND p.payer_id = i.payer_id AND p.order_id < i.order_id
          ORDER BY p.order_id DESC LIMIT 50) p
      JOIN current_orders b ON b.merchant_id = i.merchant_id AND b.order_id = p.order_id
      WHERE b.pan_id = o.pan_id AND b.stage = 'completed' AND b.placed_at < i.placed_at - interval '7 days'
        AND NOT EXISTS (SELECT FROM disputes d WHERE d.merchant_id = i.merchant_id AND d.order_id = b.order_id)
      LIMIT 20) before),
    (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY h.units) FROM (
        SELECT r.units, r.asset FROM order_heads r WHERE r.merchant_id = i.merchant_id
        ORDER BY r.placed_at DESC, r.order_id DESC LIMIT 100) h
      WHERE h.asset = i.asset HAVING count(*) >= 10),
    (SELECT c.risk_level FROM card_results c WHERE c.merchant_id = i.merchant_id AND c.pan_id = o.pan_id
      AND c.risk_at > i.placed_at - interval '90 days')
  FROM jsonb_to_recordset(given) AS i (merchant_id uuid, order_id uuid, subject uuid, payer_id uuid, asset text,
    at timestamptz, placed_at timestamptz, names jsonb)
  JOIN orders o ON o.merchant_id = i.merchant_id AND o.order_id = i.order_id
  WHERE i.order_id = ANY (ARRAY[i.order_id]);
END $$;

-- What a processor says anew of a card that it keeps; null: nothing. Of one that was erased nothing is kept again.
CREATE FUNCTION renew_method(merchant uuid, method uuid, month smallint, year smallint, digits text, id text, print text,
  kind text, land text, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE stored_methods s SET reference = coalesce(id, s.reference), fingerprint = coalesce(print, s.fingerprint),
    funding = coalesce(kind, s.funding), country = coalesce(land, s.country), described_at = at
  WHERE s.merchant_id = merchant AND s.method_id = method AND s.reference <> '';
  IF FOUND THEN
    UPDATE vault v SET exp_month = coalesce(month, v.exp_month), exp_year = coalesce(year, v.exp_year),
      last4 = coalesce(digits, v.last4)
    WHERE v.merchant_id = merchant AND v.token_id = method AND v.kek_id IS NULL;
  END IF;
END $$;
