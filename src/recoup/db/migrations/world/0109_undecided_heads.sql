-- A head is written once: until its first decision it stands apart, without the indexes of lists.
ALTER TABLE order_heads RENAME TO order_heads_decided;
ALTER INDEX order_heads_pkey RENAME TO order_heads_decided_pkey;
ALTER TABLE order_heads_decided ADD COLUMN undecided boolean CONSTRAINT order_heads_undecided_not_null
  NOT NULL DEFAULT false;
CREATE TABLE order_heads (LIKE order_heads_decided INCLUDING CONSTRAINTS INCLUDING DEFAULTS INCLUDING GENERATED)
  PARTITION BY LIST (undecided);
ALTER TABLE order_heads ATTACH PARTITION order_heads_decided FOR VALUES IN (false);
CREATE TABLE order_heads_undecided PARTITION OF order_heads FOR VALUES IN (true);
ALTER TABLE order_heads_undecided ADD PRIMARY KEY (merchant_id, order_id);
CREATE INDEX order_heads_undecided_placed ON order_heads_undecided (merchant_id, placed_at DESC, order_id DESC);
GRANT SELECT, INSERT, UPDATE ON order_heads TO recoup_app;
GRANT SELECT, INSERT ON order_heads_undecided TO recoup_app;
GRANT SELECT ON order_heads, order_heads_undecided TO recoup_read;
REVOKE UPDATE ON order_heads_decided FROM recoup_app;

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

CREATE OR REPLACE FUNCTION write_changes(
  changed jsonb,
  posting_merchants uuid[], posting_ids uuid[], source_kinds text[], source_ids uuid[], recipes text[],
  posting_orders uuid[], content_hashes bytea[], business_times timestamptz[], recorded_times timestamptz[],
  entry_merchants uuid[], entry_postings uuid[], line_nos smallint[], accounts text[], assets text[], places text[],
  amounts bigint[], available_times timestamptz[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  rows jsonb; written bigint; made int;
BEGIN
  IF changed ? 'order_log' THEN
    FOR made IN
    INSERT INTO order_log (merchant_id, order_id, seq, happening, src, dst, fact_kind, fact_id, body, actor,
      request_id, business_at, recorded_at, decision_id)
    SELECT merchant_id, order_id, seq, happening, src, dst, fact_kind, fact_id, body, actor, request_id, business_at,
      recorded_at, decision_id
    FROM jsonb_populate_recordset(NULL::order_log, changed -> 'order_log')
    RETURNING 1 LOOP END LOOP;
  END IF;
  IF changed ? 'order_words' THEN
    FOR made IN
    INSERT INTO order_words (merchant_id, order_id, seq, text)
    SELECT merchant_id, order_id, seq, text FROM jsonb_populate_recordset(NULL::order_words, changed -> 'order_words')
    RETURNING 1 LOOP END LOOP;
  END IF;
  IF changed ? 'order_states' THEN
    UPDATE order_states s SET stage = i.stage, version = i.version
    FROM jsonb_populate_recordset(NULL::order_states, changed -> 'order_states') AS i
    WHERE s.merchant_id = i.merchant_id AND s.order_id = i.order_id
      AND i.merchant_id = ANY (ARRAY[i.merchant_id]);
  END IF;
  IF changed ? 'orders' THEN
    UPDATE orders o SET token_id = coalesce(i.token_id, o.token_id),
      card_id = coalesce(i.card_id, o.card_id), pan_id = coalesce(i.pan_id, o.pan_id),
      expires_at = coalesce(i.expires_at, o.expires_at), cards_before = coalesce(i.cards_before, o.cards_before),
      do_not_retry = coalesce(i.do_not_retry, o.do_not_retry), metadata = coalesce(i.metadata, o.metadata)
    FROM jsonb_to_recordset(changed -> 'orders') AS i (merchant_id uuid, order_id uuid, token_id uuid,
      card_id uuid, pan_id uuid, expires_at timestamptz, cards_before uuid[], do_not_retry boolean, metadata jsonb)
    WHERE o.merchant_id = i.merchant_id AND o.order_id = i.order_id
      AND i.merchant_id = ANY (ARRAY[i.merchant_id]);
  END IF;
  IF changed ? 'order_heads' THEN
    UPDATE order_heads h SET undecided = false, created_at = i.created_at, status = i.status, units = i.units,
      refunded_units = i.refunded_units,
      disputed = i.disputed, attempts = i.attempts, next_attempt_at = i.next_attempt_at, reason = i.reason,
      attention = i.attention, expires_at = coalesce(i.expires_at, h.expires_at)
    FROM jsonb_populate_recordset(NULL::order_heads, changed -> 'order_heads') AS i
    WHERE h.merchant_id = i.merchant_id AND h.order_id = i.order_id
      AND i.merchant_id = ANY (ARRAY[i.merchant_id]);
  END IF;
  IF changed ? 'new_heads' THEN
    FOR made IN
    INSERT INTO order_heads (merchant_id, order_id, created_at, status, units, refunded_units, disputed, attempts,
      next_attempt_at, reason, attention, expires_at, placed_at, order_type, source, door, site_id, asset, descriptor,
      campaign_id, decline_code, decline_source, card_scheme, card_bin)
    SELECT merchant_id, order_id, created_at, status, units, refunded_units, disputed, attempts, next_attempt_at,
      reason, attention, expires_at, placed_at, order_type, source, door, site_id, asset, descriptor, campaign_id,
      decline_code, decline_source, card_scheme, card_bin
    FROM jsonb_populate_recordset(NULL::order_heads, changed -> 'new_heads')
    RETURNING 1 LOOP END LOOP;
  END IF;
  IF changed ? 'new_attempts' THEN
    FOR made IN
    INSERT INTO attempts (merchant_id, attempt_id, order_id, attempt_no, state, ladder, due_at, route, units,
      asset, initiator, sent_at, send_before, call_timeout_ms, sends, not_found, if_late, reference,
      network_transaction_id, scheme_code, advice_code, processor_code, klass, code_reason, latency_ms, closed_at,
      decision_id, card_last4, when_due, checks, retries_itself_at, consent, authentication, network_token_id, key,
      typed)
    SELECT merchant_id, attempt_id, order_id, attempt_no, state, ladder, due_at, route, units, asset, initiator,
      sent_at, send_before, call_timeout_ms, sends, not_found, if_late, reference, network_transaction_id,
      scheme_code, advice_code, processor_code, klass, code_reason, latency_ms, closed_at, decision_id, card_last4,
      when_due, checks, retries_itself_at, consent, authentication, network_token_id, key, typed
    FROM jsonb_populate_recordset(NULL::attempts, changed -> 'new_attempts')
    RETURNING 1 LOOP END LOOP;
  END IF;
  IF changed ? 'attempts' THEN
    UPDATE attempts a SET state = i.state, due_at = i.due_at, units = i.units, route = i.route, sent_at = i.sent_at,
      send_before = i.send_before, call_timeout_ms = i.call_timeout_ms, sends = i.sends, not_found = i.not_found,
      if_late = i.if_late, reference = i.reference, network_transaction_id = i.network_transaction_id,
      scheme_code = i.scheme_code, advice_code = i.advice_code, processor_code = i.processor_code, klass = i.klass,
      code_reason = i.code_reason, latency_ms = i.latency_ms, closed_at = i.closed_at, decision_id = i.decision_id,
      card_last4 = i.card_last4, when_due = i.when_due, checks = i.checks, retries_itself_at = i.retries_itself_at,
      consent = i.consent, authentication = i.authentication, network_token_id = i.network_token_id, key = i.key,
      typed = i.typed
    FROM jsonb_populate_recordset(NULL::attempts, changed -> 'attempts') AS i
    WHERE a.merchant_id = i.merchant_id AND a.attempt_id = i.attempt_id
      AND i.merchant_id = ANY (ARRAY[i.merchant_id]);
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> jsonb_array_length(changed -> 'attempts') THEN
      RAISE EXCEPTION 'an attempt that changed is not there';
    END IF;
  END IF;
  IF changed ?| ARRAY['new_attempts', 'attempts'] THEN
    rows := coalesce(changed -> 'new_attempts', '[]') || coalesce(changed -> 'attempts', '[]');
    INSERT INTO wire_keys (key, merchant_id, movement_id)
    SELECT key, merchant_id, attempt_id FROM jsonb_to_recordset(rows) AS i (merchant_id uuid, attempt_id uuid, key uuid)
    WHERE key IS NOT NULL
    ON CONFLICT DO NOTHING;
    INSERT INTO charges AS c (merchant_id, attempt_id, reference, card_last4, units, asset, closed_at)
    SELECT merchant_id, attempt_id, reference, card_last4, units, asset, closed_at
    FROM jsonb_to_recordset(rows) AS i (merchant_id uuid, attempt_id uuid, state text, ladder text, reference text,
      card_last4 text, units bigint, asset text, closed_at timestamptz)
    WHERE state = 'approved' OR ladder IN ('payment', 'unexpected') AND reference IS NOT NULL
    ON CONFLICT (merchant_id, attempt_id) DO UPDATE SET reference = EXCLUDED.reference, units = EXCLUDED.units,
      closed_at = EXCLUDED.closed_at
    WHERE (c.reference, c.units, c.closed_at)
      IS DISTINCT FROM (EXCLUDED.reference, EXCLUDED.units, EXCLUDED.closed_at);
  END IF;
  IF changed ? 'card_results' THEN
    INSERT INTO card_results AS c (merchant_id, pan_id, approvals, first_network_id, first_at, latest_network_id,
      latest_at, risk_score, risk_level, risk_at)
    SELECT merchant_id, pan_id, sum(approvals), (array_agg(first_network_id ORDER BY first_at))[1], min(first_at),
      (array_agg(latest_network_id ORDER BY latest_at DESC NULLS LAST))[1], max(latest_at),
      (array_agg(risk_score ORDER BY risk_at DESC NULLS LAST))[1],
      (array_agg(risk_level ORDER BY risk_at DESC NULLS LAST))[1], max(risk_at)
    FROM jsonb_populate_recordset(NULL::card_results, changed -> 'card_results')
    GROUP BY merchant_id, pan_id ORDER BY merchant_id, pan_id
    ON CONFLICT (merchant_id, pan_id) DO UPDATE SET approvals = c.approvals + EXCLUDED.approvals,
      first_network_id = coalesce(c.first_network_id, EXCLUDED.first_network_id),
      first_at = coalesce(c.first_at, EXCLUDED.first_at),
      latest_network_id = CASE WHEN c.latest_at >= EXCLUDED.latest_at OR EXCLUDED.latest_at IS NULL
        THEN c.latest_network_id ELSE EXCLUDED.latest_network_id END,
      latest_at = greatest(c.latest_at, EXCLUDED.latest_at),
      risk_score = CASE WHEN c.risk_at >= EXCLUDED.risk_at OR EXCLUDED.risk_at IS NULL
        THEN c.risk_score ELSE EXCLUDED.risk_score END,
      risk_level = CASE WHEN c.risk_at >= EXCLUDED.risk_at OR EXCLUDED.risk_at IS NULL
        THEN c.risk_level ELSE EXCLUDED.risk_level END,
      risk_at = greatest(c.risk_at, EXCLUDED.risk_at);
  END IF;
  IF changed ? 'new_modifications' THEN
    FOR made IN
    INSERT INTO modifications (merchant_id, modification_id, order_id, modification_no, kind, attempt_id, state,
      units, asset, message, items, input_mac, tries, send_before, not_found, reference, processor_code, business_at,
      actor, send_id, hand_note, hand_actor, approved_by, unsent, final_part, piece_of, key, send_key)
    SELECT merchant_id, modification_id, order_id, modification_no, kind, attempt_id, state, units, asset, message,
      items, input_mac, tries, send_before, not_found, reference, processor_code, business_at, actor, send_id,
      hand_note, hand_actor, approved_by, unsent, final_part, piece_of, key, send_key
    FROM jsonb_populate_recordset(NULL::modifications, changed -> 'new_modifications')
    RETURNING 1 LOOP END LOOP;
  END IF;
  IF changed ? 'modifications' THEN
    UPDATE modifications m SET state = i.state, tries = i.tries, send_before = i.send_before,
      not_found = i.not_found, reference = i.reference, processor_code = i.processor_code, send_id = i.send_id,
      hand_note = i.hand_note, hand_actor = i.hand_actor, unsent = i.unsent, key = i.key, send_key = i.send_key
    FROM jsonb_populate_recordset(NULL::modifications, changed -> 'modifications') AS i
    WHERE m.merchant_id = i.merchant_id AND m.modification_id = i.modification_id
      AND i.merchant_id = ANY (ARRAY[i.merchant_id]);
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> jsonb_array_length(changed -> 'modifications') THEN
      RAISE EXCEPTION 'a modification that changed is not there';
    END IF;
  END IF;
  IF changed ?| ARRAY['new_modifications', 'modifications'] THEN
    rows := coalesce(changed -> 'new_modifications', '[]') || coalesce(changed -> 'modifications', '[]');
    INSERT INTO wire_keys (key, merchant_id, movement_id)
    SELECT k.key, i.merchant_id, i.modification_id
    FROM jsonb_to_recordset(rows) AS i (merchant_id uuid, modification_id uuid, key uuid, send_key uuid)
    CROSS JOIN LATERAL (VALUES (i.key), (i.send_key)) AS k (key)
    WHERE k.key IS NOT NULL
    ON CONFLICT DO NOTHING;
    INSERT INTO modifications_queue (merchant_id, modification_id)
    SELECT merchant_id, modification_id
    FROM jsonb_to_recordset(rows) AS i (merchant_id uuid, modification_id uuid, state text)
    WHERE state IN ('owed', 'sent', 'stuck')
    ON CONFLICT DO NOTHING;
    DELETE FROM modifications_queue q
    USING jsonb_to_recordset(rows) AS i (merchant_id uuid, modification_id uuid, state text)
    WHERE q.merchant_id = i.merchant_id AND q.modification_id = i.modification_id
      AND i.state NOT IN ('owed', 'sent', 'stuck') AND i.merchant_id = ANY (ARRAY[i.merchant_id]);
  END IF;
  IF changed ? 'refund_requests' THEN
    INSERT INTO refund_requests AS q (merchant_id, request_id, order_id, state, units, asset, message, items,
      input_mac, requested_by, requested_role, requested_at, expires_at, decided_by, decided_at, reason)
    SELECT merchant_id, request_id, order_id, state, units, asset, message, items, input_mac, requested_by, requested_role,
      requested_at, expires_at, decided_by, decided_at, reason
    FROM jsonb_populate_recordset(NULL::refund_requests, changed -> 'refund_requests')
    ON CONFLICT (merchant_id, request_id) DO UPDATE SET state = EXCLUDED.state, decided_by = EXCLUDED.decided_by,
      decided_at = EXCLUDED.decided_at, reason = EXCLUDED.reason;
  END IF;
  IF changed ? 'challenges' THEN
    INSERT INTO challenges AS c (merchant_id, challenge_id, order_id, challenge_no, state, asks, tries, expires_at)
    SELECT merchant_id, challenge_id, order_id, challenge_no, state, asks, tries, expires_at
    FROM jsonb_populate_recordset(NULL::challenges, changed -> 'challenges')
    ON CONFLICT (merchant_id, challenge_id) DO UPDATE SET state = EXCLUDED.state, asks = EXCLUDED.asks,
      tries = EXCLUDED.tries, expires_at = EXCLUDED.expires_at;
  END IF;
  IF changed ? 'settlements' THEN
    INSERT INTO settlements AS s (merchant_id, settlement_id, order_id, attempt_id, state, units, fee_units, asset,
      to_address, tx_hash, tries, send_before, business_at)
    SELECT merchant_id, settlement_id, order_id, attempt_id, state, units, fee_units, asset, to_address, tx_hash,
      tries, send_before, business_at
    FROM jsonb_populate_recordset(NULL::settlements, changed -> 'settlements')
    ON CONFLICT (merchant_id, settlement_id) DO UPDATE SET state = EXCLUDED.state, tx_hash = EXCLUDED.tx_hash,
      units = EXCLUDED.units, fee_units = EXCLUDED.fee_units,
      tries = EXCLUDED.tries, send_before = EXCLUDED.send_before;
  END IF;
  IF changed ? 'advances' THEN
    INSERT INTO advances AS a (merchant_id, order_id, payer_id, pan_id, asset, slot, units, due_units, state, policy,
      started_at, until, customers)
    SELECT merchant_id, order_id, payer_id, pan_id, asset, slot, units, due_units, state, policy, started_at, until,
      customers
    FROM jsonb_populate_recordset(NULL::advances, changed -> 'advances')
    ON CONFLICT (merchant_id, order_id) DO UPDATE SET due_units = EXCLUDED.due_units, state = EXCLUDED.state;
  END IF;
  IF changed ? 'disputes' THEN
    INSERT INTO disputes AS d (merchant_id, dispute_id, order_id, dispute_no, attempt_id, route, case_ref, round_id,
      kind, reason_code, stage, state, units, asset, liable, fee_units, opened_at, respond_by, warned, closed_at,
      answer, answer_id, answer_state, answer_tries, answer_before, answer_code, answer_no)
    SELECT merchant_id, dispute_id, order_id, dispute_no, attempt_id, route, case_ref, round_id, kind, reason_code,
      stage, state, units, asset, liable, fee_units, opened_at, respond_by, warned, closed_at, answer, answer_id,
      answer_state, answer_tries, answer_before, answer_code, answer_no
    FROM jsonb_populate_recordset(NULL::disputes, changed -> 'disputes')
    ON CONFLICT (merchant_id, dispute_id) DO UPDATE SET round_id = EXCLUDED.round_id, stage = EXCLUDED.stage,
      reason_code = EXCLUDED.reason_code, state = EXCLUDED.state, units = EXCLUDED.units,
      respond_by = EXCLUDED.respond_by, warned = EXCLUDED.warned, closed_at = EXCLUDED.closed_at,
      answer = EXCLUDED.answer, answer_id = EXCLUDED.answer_id, answer_state = EXCLUDED.answer_state,
      answer_tries = EXCLUDED.answer_tries, answer_before = EXCLUDED.answer_before, answer_code = EXCLUDED.answer_code,
      answer_no = EXCLUDED.answer_no;
  END IF;
  IF changed ? 'dispute_notices' THEN
    INSERT INTO dispute_notices AS n (merchant_id, route, notice_id, state, why, content, content_hash, received_at)
    SELECT merchant_id, route, notice_id, state, why, content, content_hash, received_at
    FROM jsonb_populate_recordset(NULL::dispute_notices, changed -> 'dispute_notices')
    ON CONFLICT (merchant_id, route, notice_id) DO UPDATE SET state = EXCLUDED.state, why = EXCLUDED.why,
      tries = n.tries + 1 WHERE n.state = 'unmatched' AND n.content_hash = EXCLUDED.content_hash;
  END IF;
  IF posting_ids IS NOT NULL THEN
    FOR made IN
    INSERT INTO postings (merchant_id, posting_id, source_kind, source_id, recipe, order_id, content_hash,
      business_at, recorded_at)
    SELECT * FROM unnest(posting_merchants, posting_ids, source_kinds, source_ids, recipes, posting_orders,
      content_hashes, business_times, recorded_times)
    RETURNING 1 LOOP END LOOP;
    FOR made IN
    INSERT INTO postings_queue (merchant_id, posting_id, recorded_at)
    SELECT * FROM unnest(posting_merchants, posting_ids, recorded_times)
    RETURNING 1 LOOP END LOOP;
  END IF;
  IF entry_postings IS NOT NULL THEN
    FOR made IN
    INSERT INTO entries (merchant_id, posting_id, line_no, account, asset, place, units, available_at)
    SELECT * FROM unnest(entry_merchants, entry_postings, line_nos, accounts, assets, places, amounts, available_times)
    RETURNING 1 LOOP END LOOP;
  END IF;
  IF changed ? 'mails' THEN
    FOR made IN
    INSERT INTO mails (merchant_id, mail_id, order_id, notice, about, state, units, tries, why, business_at,
      created_at)
    SELECT merchant_id, mail_id, order_id, notice, about, state, units, tries, why, business_at, created_at
    FROM jsonb_populate_recordset(NULL::mails, changed -> 'mails')
    RETURNING 1 LOOP END LOOP;
  END IF;
  IF changed ? 'alerts' THEN
    INSERT INTO alerts (merchant_id, alert_id, kind, about, step, facts, user_id, created_at)
    SELECT merchant_id, alert_id, kind, about, step, facts, user_id, created_at
    FROM jsonb_populate_recordset(NULL::alerts, changed -> 'alerts')
    ON CONFLICT (merchant_id, kind, about, step) DO NOTHING;
  END IF;
  IF changed ? 'outbox' THEN
    FOR made IN
    INSERT INTO outbox (merchant_id, subject_id, seq, subject_kind, event_id, event, body, business_at, recorded_at)
    SELECT merchant_id, subject_id, seq, subject_kind, event_id, event, body, business_at, recorded_at
    FROM jsonb_populate_recordset(NULL::outbox, changed -> 'outbox')
    RETURNING 1 LOOP END LOOP;
    FOR made IN
    INSERT INTO outbox_queue (merchant_id, subject_id, seq, recorded_at)
    SELECT merchant_id, subject_id, seq, recorded_at
    FROM jsonb_populate_recordset(NULL::outbox_queue, changed -> 'outbox')
    RETURNING 1 LOOP END LOOP;
  END IF;
  IF changed ? 'due_done' THEN
    DELETE FROM due_work d USING jsonb_to_recordset(changed -> 'due_done') AS i (
      merchant_id uuid, kind text, subject_id uuid)
    WHERE d.merchant_id = i.merchant_id AND d.kind = i.kind AND d.subject_id = i.subject_id
      AND i.merchant_id = ANY (ARRAY[i.merchant_id]);
  END IF;
  IF changed ? 'due_work' THEN
    INSERT INTO due_work (merchant_id, kind, subject_id, due_at, wall)
    SELECT merchant_id, kind, subject_id, due_at, wall
    FROM jsonb_populate_recordset(NULL::due_work, changed -> 'due_work')
    ON CONFLICT (merchant_id, kind, subject_id) DO UPDATE SET due_at = EXCLUDED.due_at, wall = EXCLUDED.wall, tries = 0,
      lease_until = NULL;
  END IF;
  IF changed ? 'decisions' THEN
    FOR made IN
    INSERT INTO decisions (merchant_id, decision_id, order_id, at, verdict, features, plan, reasons, rules,
      alternatives, versions, taken, arm)
    SELECT merchant_id, decision_id, order_id, at, verdict, features, plan, reasons, rules, alternatives, versions,
      taken, arm
    FROM jsonb_populate_recordset(NULL::decisions, changed -> 'decisions')
    RETURNING 1 LOOP END LOOP;
  END IF;
  IF changed ? 'requests' THEN
    FOR made IN
    INSERT INTO requests (merchant_id, operation, key, input_mac, subject_id, state, answer, created_at)
    SELECT merchant_id, operation, key, input_mac, subject_id, state, answer, created_at
    FROM jsonb_populate_recordset(NULL::requests, changed -> 'requests')
    RETURNING 1 LOOP END LOOP;
  END IF;
  IF changed ? 'codes_used' THEN
    DELETE FROM cvv_once c USING jsonb_to_recordset(changed -> 'codes_used') AS i (merchant_id uuid, token_id uuid)
    WHERE c.merchant_id = i.merchant_id AND c.token_id = i.token_id
      AND i.merchant_id = ANY (ARRAY[i.merchant_id]);
  END IF;
END $$;
