-- Functions as Citus takes them: rows that are inserted return, ON CONFLICT has no sub-query, SET no subscript.

CREATE OR REPLACE FUNCTION close_page(merchant uuid, most int, wall timestamptz) RETURNS bigint
LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE
  page bigint; previous bytea; next_root bytea;
  queued uuid[]; ids uuid[]; hashes bytea;
  accounts text[]; assets text[]; places text[]; totals numeric[]; sums jsonb; told text;
  taken bigint; made int;
BEGIN
  queued := ARRAY(SELECT q.posting_id FROM postings_queue q WHERE q.merchant_id = merchant
    ORDER BY q.posting_id LIMIT most);
  SELECT array_agg(p.posting_id ORDER BY p.posting_id), string_agg(p.content_hash, ''::bytea ORDER BY p.posting_id)
  INTO ids, hashes
  FROM postings p
  WHERE p.merchant_id = merchant AND p.posting_id BETWEEN queued[1] AND queued[cardinality(queued)]
    AND p.posting_id = ANY(queued);
  IF ids IS NULL THEN
    RETURN 0;
  END IF;
  SELECT c.page_no + 1, c.root INTO STRICT page, previous FROM closers c WHERE c.merchant_id = merchant;

  DELETE FROM postings_queue q
  WHERE q.merchant_id = merchant AND q.posting_id BETWEEN ids[1] AND ids[cardinality(ids)] AND q.posting_id = ANY(ids);
  GET DIAGNOSTICS taken = ROW_COUNT;
  IF taken <> cardinality(ids) THEN
    RAISE EXCEPTION 'postings of a page were sealed by somebody else' USING ERRCODE = 'serialization_failure';
  END IF;
  FOR made IN
  INSERT INTO page_lines (merchant_id, page_no, position, posting_id)
  SELECT merchant, page, p.position, p.posting_id FROM unnest(ids) WITH ORDINALITY AS p (posting_id, position)
  RETURNING 1 LOOP END LOOP;

  WITH entered AS MATERIALIZED (
    SELECT p.position, e.posting_id, e.line_no, e.account, e.asset, e.place, e.units
    FROM entries e JOIN unnest(ids) WITH ORDINALITY AS p (posting_id, position) USING (posting_id)
    WHERE e.merchant_id = merchant AND e.posting_id BETWEEN ids[1] AND ids[cardinality(ids)]
  ), numbered AS MATERIALIZED (  -- few, and numbers sort several times as fast as their names
    SELECT account, asset, place, row_number() OVER () AS number
    FROM (SELECT DISTINCT account, asset, place FROM entered) a
  ), e AS MATERIALIZED (
    SELECT posting_id, line_no, account, asset, place, sum(units) OVER (
        PARTITION BY number ORDER BY position, line_no ROWS UNBOUNDED PRECEDING) AS running
    FROM entered JOIN numbered USING (account, asset, place)
  ), stamps AS (
    UPDATE entries t SET balance_after = e.running + coalesce(b.units, 0)
    FROM e LEFT JOIN account_balances b ON b.merchant_id = merchant AND b.account = e.account AND b.asset = e.asset
      AND b.place = e.place
    WHERE t.merchant_id = merchant AND t.posting_id BETWEEN ids[1] AND ids[cardinality(ids)]
      AND t.posting_id = e.posting_id AND t.line_no = e.line_no
    RETURNING t.account, t.asset, t.place, t.units
  ), s AS (
    SELECT account, asset, place, sum(units) AS units FROM stamps GROUP BY 1, 2, 3
  )
  SELECT array_agg(s.account), array_agg(s.asset), array_agg(s.place), array_agg(s.units),
    jsonb_object_agg(s.account || '|' || s.asset || '|' || s.place, s.units),
    string_agg(s.account || '|' || s.asset || '|' || s.place || '=' || s.units, E'\n'
      ORDER BY s.account, s.asset, s.place)
  INTO accounts, assets, places, totals, sums, told
  FROM s;

  INSERT INTO account_balances AS b (merchant_id, account, asset, place, units, page_no)
  SELECT merchant, s.account, s.asset, s.place, s.units, page
  FROM unnest(accounts, assets, places, totals) AS s (account, asset, place, units)
  ON CONFLICT (merchant_id, account, asset, place) DO UPDATE SET units = b.units + EXCLUDED.units,
    page_no = EXCLUDED.page_no;

  next_root := sha256(previous || convert_to(page::text, 'UTF8') || hashes || convert_to(told, 'UTF8'));
  INSERT INTO pages (merchant_id, page_no, prev_root, root, postings, sums, closed_at)
  VALUES (merchant, page, previous, next_root, cardinality(ids), sums, wall);
  UPDATE closers c SET page_no = page, root = next_root WHERE c.merchant_id = merchant;
  RETURN cardinality(ids);
END $$;

CREATE OR REPLACE FUNCTION feed_events(merchant uuid, most int, wall timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  subjects uuid[];
  nos bigint[]; numbers bigint[]; of_subjects uuid[]; seqs int[]; ids uuid[]; events text[]; made int;
BEGIN
  subjects := ARRAY(SELECT DISTINCT s.subject_id FROM (
    SELECT q.subject_id FROM outbox_queue q WHERE q.merchant_id = merchant ORDER BY q.recorded_at LIMIT most) s
    ORDER BY 1);
  IF cardinality(subjects) = 0 THEN
    RETURN 0;
  END IF;

  WITH taken AS (
    DELETE FROM outbox_queue q USING outbox o
    WHERE q.merchant_id = merchant AND q.subject_id = ANY(subjects)
      AND o.merchant_id = merchant AND o.subject_id = q.subject_id AND o.seq = q.seq
      AND o.subject_id >= subjects[1] AND o.subject_id <= subjects[cardinality(subjects)]
    RETURNING o.subject_id, o.seq, o.event_id, o.event, o.subject_kind, o.recorded_at
  ), found AS MATERIALIZED (
    SELECT subject_id, seq, event_id, event, min(recorded_at) OVER (PARTITION BY subject_id) AS since,
      subject_kind NOT IN ('stable_order', 'subscription') AS ours
    FROM taken
  ), fresh AS (
    SELECT f.*, c.feed_no + row_number() OVER w AS no,
      CASE WHEN f.ours THEN c.number + count(*) FILTER (WHERE f.ours) OVER w END AS number
    FROM found f, closers c WHERE c.merchant_id = merchant WINDOW w AS (ORDER BY since, subject_id, seq)
  )
  SELECT array_agg(f.no), array_agg(f.number), array_agg(f.subject_id), array_agg(f.seq), array_agg(f.event_id),
    array_agg(f.event)
  INTO nos, numbers, of_subjects, seqs, ids, events
  FROM fresh f;
  IF nos IS NULL THEN
    RETURN 0;
  END IF;

  FOR made IN
  INSERT INTO feed (merchant_id, feed_no, subject_id, seq, event_id, event, number)
  SELECT merchant, f.no, f.subject_id, f.seq, f.event_id, f.event, f.number
  FROM unnest(nos, of_subjects, seqs, ids, events, numbers) AS f (no, subject_id, seq, event_id, event, number)
  RETURNING 1 LOOP END LOOP;
  UPDATE closers c SET feed_no = c.feed_no + cardinality(nos),
    number = c.number + cardinality(array_remove(numbers, NULL))
  WHERE c.merchant_id = merchant;

  WITH heard AS MATERIALIZED (
    SELECT * FROM endpoints WHERE merchant_id = merchant AND state = 'active'
    UNION ALL SELECT e.* FROM heard_by_partners p JOIN endpoints e ON e.partner_id = p.partner_id AND e.state = 'active'
    WHERE p.merchant_id = merchant
  )
  INSERT INTO lanes (merchant_id, endpoint_id, lane_id, subject_id, next_seq, due_at)
  SELECT merchant, e.endpoint_id, CASE WHEN e.ordered THEN f.subject_id ELSE f.event_id END AS lane_id, f.subject_id,
    min(f.seq), wall
  FROM unnest(of_subjects, seqs, ids, events, numbers) AS f (subject_id, seq, event_id, event, number)
  JOIN heard e ON f.event = ANY(e.events) AND (e.format <> 'stablecoin') = (f.number IS NOT NULL)
  GROUP BY e.endpoint_id, 3, f.subject_id ORDER BY 2, 3
  ON CONFLICT (merchant_id, endpoint_id, lane_id) DO UPDATE SET next_seq = lanes.next_seq;

  IF events && ARRAY['payment.chargeback.received', 'payout.created', 'payout.updated', 'settlement.closed'] THEN
    FOR made IN
    INSERT INTO alerts (merchant_id, alert_id, kind, about, step, facts, created_at)
    SELECT merchant, f.event_id, CASE f.event WHEN 'payment.chargeback.received' THEN 'dispute'
      WHEN 'settlement.closed' THEN 'settlement' ELSE 'payout' END, f.subject_id, f.seq, '{}', wall
    FROM unnest(of_subjects, seqs, ids, events) AS f (subject_id, seq, event_id, event)
    WHERE f.event IN ('payment.chargeback.received', 'payout.created', 'payout.updated', 'settlement.closed')
    RETURNING 1 LOOP END LOOP;
    INSERT INTO due_work (merchant_id, kind, subject_id, due_at, wall)
    SELECT merchant, 'alert', f.event_id, feed_events.wall, true FROM unnest(ids, events) AS f (event_id, event)
    WHERE f.event IN ('payment.chargeback.received', 'payout.created', 'payout.updated', 'settlement.closed')
    ON CONFLICT (merchant_id, kind, subject_id) DO NOTHING;
  END IF;
  IF events && ARRAY['order.problem', 'order.onhold'] THEN
    INSERT INTO due_work (merchant_id, kind, subject_id, due_at, wall)
    VALUES (merchant, 'orders_alert', merchant, feed_events.wall + interval '1 minute', true)
    ON CONFLICT (merchant_id, kind, subject_id) DO NOTHING;
  END IF;
  RETURN cardinality(nos);
END $$;

CREATE OR REPLACE FUNCTION open_lanes(merchant uuid, replay uuid, numbers int, wall timestamptz) RETURNS boolean
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
    WITH f AS MATERIALIZED (
      SELECT f.lane_id, f.subject_id, f.seq, CASE WHEN in_order THEN (
          SELECT max(x.seq) + 1 FROM feed x WHERE x.merchant_id = merchant AND x.subject_id = f.subject_id)
        ELSE f.seq + 1 END AS live_seq
      FROM (
        SELECT CASE WHEN in_order THEN i.subject_id ELSE i.event_id END AS lane_id, i.subject_id, min(i.seq) AS seq
        FROM unnest(subjects, seqs, ids) AS i (subject_id, seq, event_id)
        WHERE NOT in_order OR NOT EXISTS (
          SELECT 1 FROM feed g
          JOIN outbox b ON b.merchant_id = g.merchant_id AND b.subject_id = g.subject_id AND b.seq = g.seq
          WHERE g.merchant_id = merchant AND g.subject_id = i.subject_id
            AND g.feed_no BETWEEN r.feed_from AND r.done_to AND g.event = ANY(r.events)
            AND (r.at_from IS NULL OR b.business_at >= r.at_from) AND (r.at_to IS NULL OR b.business_at < r.at_to))
        GROUP BY 1, 2) f
    )
    INSERT INTO lanes (merchant_id, endpoint_id, lane_id, subject_id, next_seq, due_at, replay_id, live_seq)
    SELECT merchant, r.endpoint_id, lane_id, subject_id, seq, wall, replay, live_seq FROM f ORDER BY lane_id
    ON CONFLICT (merchant_id, endpoint_id, lane_id) DO UPDATE SET next_seq = EXCLUDED.next_seq,
      due_at = EXCLUDED.due_at, replay_id = EXCLUDED.replay_id, live_seq = lanes.next_seq, fails = 0, tries = 0
    WHERE lanes.next_seq > EXCLUDED.next_seq;
  END IF;
  UPDATE replays t SET done_to = up_to, found = t.found + coalesce(cardinality(ids), 0)
  WHERE t.merchant_id = merchant AND t.replay_id = replay;
  RETURN up_to < r.feed_to;
END $$;

CREATE OR REPLACE FUNCTION finish_lanes(lanes_tried jsonb, wall timestamptz, tries_made jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  finished finished_lane[]; made int;
BEGIN
  SELECT array_agg(ROW(i.merchant_id, i.endpoint_id, i.lane_id, i.seq, i.fails, i.tries, i.lease_until, i.retry_at,
    i.disable, s.next_seq, CASE WHEN s.next_seq < l.live_seq THEN l.live_seq END,
    CASE WHEN s.next_seq < l.live_seq THEN l.replay_id END)::finished_lane)
  INTO finished
  FROM (
    SELECT t.merchant_id, t.endpoint_id, t.lane_id, t.subject_id, t.seq, t.fails, t.tries, t.lease_until,
      CASE WHEN e.url = t.url THEN t.disable END AS disable,
      CASE WHEN e.url <> t.url AND t.disable IS NOT NULL THEN wall ELSE t.retry_at END AS retry_at,
      e.state, e.ordered, e.events
    FROM jsonb_to_recordset(lanes_tried) AS t (merchant_id uuid, endpoint_id uuid, lane_id uuid, subject_id uuid,
      seq int, fails int, tries int, lease_until timestamptz, retry_at timestamptz, disable text, url text)
    JOIN endpoints e USING (endpoint_id)) i
  LEFT JOIN lanes l ON l.merchant_id = i.merchant_id AND l.endpoint_id = i.endpoint_id AND l.lane_id = i.lane_id
  CROSS JOIN LATERAL (SELECT CASE WHEN i.state <> 'active' OR i.disable IS NOT NULL THEN NULL
      WHEN i.retry_at IS NOT NULL THEN i.seq
      WHEN i.ordered THEN coalesce((
        SELECT min(f.seq) FROM replays r JOIN feed f ON f.merchant_id = r.merchant_id AND f.subject_id = i.subject_id
          AND f.seq > i.seq AND f.seq < l.live_seq AND f.feed_no BETWEEN r.feed_from AND r.feed_to
          AND f.event = ANY(r.events)
        JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
          AND (r.at_from IS NULL OR b.business_at >= r.at_from) AND (r.at_to IS NULL OR b.business_at < r.at_to)
        WHERE r.merchant_id = i.merchant_id AND r.replay_id = l.replay_id), (
        SELECT min(f.seq) FROM feed f WHERE f.merchant_id = i.merchant_id AND f.subject_id = i.subject_id
          AND f.seq > i.seq AND (l.live_seq IS NULL OR f.seq >= l.live_seq) AND f.event = ANY(i.events)))
    END AS next_seq) s;

  UPDATE lanes l SET lease_until = NULL FROM unnest(finished) n
  WHERE l.merchant_id = n.merchant_id AND l.endpoint_id = n.endpoint_id AND l.lane_id = n.lane_id
    AND l.next_seq <> n.seq AND l.lease_until = n.lease_until AND n.disable IS NULL;
  UPDATE lanes l SET next_seq = n.next_seq, due_at = coalesce(n.retry_at, wall), lease_until = NULL,
    fails = CASE WHEN n.retry_at IS NULL THEN 0 ELSE n.fails END,
    tries = CASE WHEN n.retry_at IS NULL THEN 0 ELSE n.tries END, live_seq = n.live_seq, replay_id = n.replay_id
  FROM unnest(finished) n
  WHERE l.merchant_id = n.merchant_id AND l.endpoint_id = n.endpoint_id AND l.lane_id = n.lane_id
    AND l.next_seq = n.seq AND n.next_seq IS NOT NULL;
  DELETE FROM lanes l USING unnest(finished) n
  WHERE l.merchant_id = n.merchant_id AND l.endpoint_id = n.endpoint_id AND l.lane_id = n.lane_id
    AND l.next_seq = n.seq AND n.next_seq IS NULL;
  IF EXISTS (SELECT FROM unnest(finished) n WHERE n.disable IS NOT NULL) THEN
    DELETE FROM lanes l USING unnest(finished) n
    WHERE n.disable IS NOT NULL AND l.endpoint_id = n.endpoint_id AND l.due_at IS NOT NULL
      AND (l.merchant_id, l.lane_id) NOT IN (SELECT o.merchant_id, o.lane_id FROM unnest(finished) o
        WHERE o.endpoint_id = n.endpoint_id);
  END IF;
  FOR made IN
  INSERT INTO delivery_tries (merchant_id, try_id, endpoint_id, subject_id, seq, event_id, try_no, at, status, error,
    latency_ms, answer, result, resent)
  SELECT t.merchant_id, t.try_id, t.endpoint_id, t.subject_id, t.seq, t.event_id, t.try_no, t.at, t.status, t.error,
    t.latency_ms, t.answer, t.result, t.resent
  FROM jsonb_populate_recordset(NULL::delivery_tries, tries_made) t
  RETURNING 1 LOOP END LOOP;
END $$;

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
    AND (v.token_id IS NOT NULL OR i.kind = 'stable')
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

CREATE OR REPLACE FUNCTION note_sightings(given jsonb) RETURNS TABLE (sighted uuid, seen jsonb, paid int, usual bigint, risk text)
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

CREATE OR REPLACE FUNCTION erase_orders(merchant uuid, erased uuid[]) RETURNS void LANGUAGE plpgsql AS $$
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
    UPDATE order_heads h SET created_at = i.created_at, status = i.status, units = i.units,
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

CREATE OR REPLACE FUNCTION hub.feed_partner(partner uuid, merchants uuid[], numbers bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  last bigint := (SELECT number FROM partner_closers WHERE partner_id = partner);
  made int;
BEGIN
  FOR made IN
  INSERT INTO partner_feed (partner_id, number, merchant_id, merchant_number)
  SELECT partner, last + f.n, f.merchant_id, f.number
  FROM unnest(merchants, numbers) WITH ORDINALITY AS f (merchant_id, number, n)
  RETURNING 1 LOOP END LOOP;
  INSERT INTO partner_reached (partner_id, merchant_id, number)
  SELECT partner, f.merchant_id, max(f.number) FROM unnest(merchants, numbers) AS f (merchant_id, number) GROUP BY 2
  ON CONFLICT (partner_id, merchant_id) DO UPDATE SET number = EXCLUDED.number;
  UPDATE partner_closers c SET number = c.number + cardinality(numbers) WHERE c.partner_id = partner;
END $$;

CREATE OR REPLACE FUNCTION hub.join_cards(same uuid[], at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  heads uuid[] := ARRAY(SELECT DISTINCT coalesce(joined_to, card_id) FROM cards WHERE card_id = ANY(same) ORDER BY 1);
  missing uuid[] := ARRAY(SELECT DISTINCT i.card_id FROM unnest(same) AS i (card_id)
    WHERE NOT EXISTS (SELECT 1 FROM cards c WHERE c.card_id = i.card_id) ORDER BY 1);
  head uuid; others uuid[];
BEGIN
  PERFORM FROM cards WHERE card_id = ANY(heads) ORDER BY card_id FOR UPDATE;
  FOR head IN
  INSERT INTO cards (card_id, created_at) SELECT i.card_id, at FROM unnest(missing) AS i (card_id)
  ON CONFLICT DO NOTHING RETURNING card_id LOOP
    heads := heads || head;
  END LOOP;
  heads := ARRAY(SELECT DISTINCT i.card_id FROM unnest(heads) AS i (card_id) ORDER BY 1);
  head := heads[1];
  others := heads[2:];
  IF EXISTS (SELECT FROM cards WHERE card_id = ANY(heads) AND joined_to IS NOT NULL)
      OR EXISTS (SELECT FROM cards WHERE card_id = ANY(same) AND coalesce(joined_to, card_id) <> ALL(heads)) THEN
    RAISE EXCEPTION 'another send or join was quicker' USING ERRCODE = 'serialization_failure';
  END IF;
  UPDATE cards SET joined_to = head, joined_at = at WHERE card_id = ANY(others) OR joined_to = ANY(others);
END $$;
