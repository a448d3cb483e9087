-- Several writes that belong together, in order: each statement writes one table, what it needs is read into variables
-- first, and what is empty is passed by. They run as whoever calls them, inside the caller's transaction. What Citus
-- copies to another server loses its SQLSTATE, what returns keeps it: so INSERTs of rows return, and are looped over.

-- Seals committed postings into the merchant's next page, under the closer's lock; answers how many. Pages are large:
-- how large a set is that was just built is guessed badly, and a nested loop over it would be quadratic. So sets are
-- hashed or merged: each lies between two ids, so that none is more than the page. What is queued without a posting
-- stays for `verify` to find.
CREATE FUNCTION close_page(merchant uuid, most int, wall timestamptz) RETURNS bigint
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

-- Numbers committed events and opens the lanes of the endpoints that want them, under the closer's lock; answers how
-- many. Whole subjects, so that a later event of one never passes an earlier one. They leave the queue as they are
-- numbered, so that what was fed before is not looked at, however much it is; what is queued without an event stays for
-- `verify` to find. A lane that exists is touched, not passed by: so this waits for whoever is just ending it, and opens
-- it anew. What people hear of is owed with its place in the feed; orders that wait for a person are gathered for a
-- minute.
CREATE FUNCTION feed_events(merchant uuid, most int, wall timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
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

-- A lane whose event was just tried: where it goes on, if it does. `disable`: why its endpoint takes nothing more.
CREATE TYPE finished_lane AS (
  merchant_id uuid, endpoint_id uuid, lane_id uuid, seq int, fails int, tries int, lease_until timestamptz,
  retry_at timestamptz, disable text, next_seq int, live_seq int, replay_id uuid
);

-- Under the lanes' locks: a lane goes on to its next wanted event, waits for another try, or ends. One that was sent
-- back meanwhile, to send earlier events again, only loses its lease. While it is sent again, what comes next is the
-- next event of the replay, and at last where the lane stood. What an address that was changed meanwhile answered
-- switches nothing off: the new one gets the event.
CREATE FUNCTION finish_lanes(lanes_tried jsonb, wall timestamptz, tries_made jsonb) RETURNS void LANGUAGE plpgsql AS $$
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
