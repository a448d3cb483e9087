-- A card whose number is gone is not known any more.
CREATE OR REPLACE FUNCTION admit_orders(given jsonb, recent uuid)
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
      asset, units, expires_at, descriptor, campaign_id, decline_code, decline_source, card_scheme, card_bin)
    SELECT merchant_id, order_id, placed_at, CASE WHEN status <> 0 THEN placed_at END, status, order_type, source, door,
      site_id, asset, units, expires_at, descriptor, campaign_id, coalesce(facts -> 'decline' ->> 'code', ''),
      lower(coalesce(facts -> 'decline' ->> 'source', '')), coalesce(scheme, ''), coalesce(bin, '')
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
