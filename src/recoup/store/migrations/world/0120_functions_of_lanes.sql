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
  finished finished_lane[];
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
  INSERT INTO delivery_tries (merchant_id, try_id, endpoint_id, subject_id, seq, event_id, try_no, at, status, error,
    latency_ms, answer, result, resent)
  SELECT t.merchant_id, t.try_id, t.endpoint_id, t.subject_id, t.seq, t.event_id, t.try_no, t.at, t.status, t.error,
    t.latency_ms, t.answer, t.result, t.resent
  FROM jsonb_populate_recordset(NULL::delivery_tries, tries_made) t;
END $$;
