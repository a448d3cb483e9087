"""Events: one for each line that names one, in the feed without gaps, delivered in order. Mails
beside their tries and the work that sends them."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read
from recoup.kit.proofs.walk import (
    STATEMENT_SECONDS,
    Difference,
    Differs,
    Window,
    differences,
    not_archived,
    of_merchant,
    of_window,
)


# $4, $5: lines of the lifecycle as src/happening/dst, and the event that each names.
@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT order_id, 'event of log line ' || seq AS field, l.event AS expected, b.event AS found
FROM (
  SELECT l.order_id, l.seq, e.event FROM order_log l
  JOIN unnest($4::text[], $5::text[]) AS e (line, event) ON e.line = l.src || '/' || l.happening ||
    '/' || l.dst
  WHERE l.merchant_id = $1 AND l.order_id > $2 AND l.order_id <= $3
) l
FULL JOIN (
  SELECT subject_id AS order_id, seq, event FROM outbox
  WHERE merchant_id = $1 AND subject_id > $2 AND subject_id <= $3
    AND subject_kind IN ('order', 'stable_order')
) b USING (order_id, seq)
WHERE l.event IS DISTINCT FROM b.event
ORDER BY order_id, seq LIMIT 1000
""")
async def _of_line(
    db: Read,
    merchant_id: UUID,
    after: UUID,
    until: UUID,
    lines: Sequence[str],
    events: Sequence[str],
) -> list[Differs]: ...


_of_feed: Final = of_window(
    __name__,
    fed="""
SELECT b.subject_id AS order_id, 'feed place of event ' || b.seq AS field,
  CASE WHEN q.seq IS NULL THEN b.event || ' ' || b.event_id ELSE 'none' END AS expected,
  coalesce(f.event || ' ' || f.event_id, 'none') AS found
FROM outbox b LEFT JOIN feed f USING (merchant_id, subject_id, seq)
LEFT JOIN outbox_queue q USING (merchant_id, subject_id, seq)
WHERE b.merchant_id = $1 AND b.subject_id > $2 AND b.subject_id <= $3
  AND CASE WHEN q.seq IS NULL THEN b.event || ' ' || b.event_id ELSE 'none' END
    <> coalesce(f.event || ' ' || f.event_id, 'none')
ORDER BY b.subject_id, b.seq LIMIT 1000
""",
    queued="""
SELECT q.subject_id AS order_id, 'queued event ' || q.seq AS field, 'an event' AS expected,
  'none' AS found
FROM outbox_queue q LEFT JOIN outbox b USING (merchant_id, subject_id, seq)
WHERE q.merchant_id = $1 AND q.subject_id > $2 AND q.subject_id <= $3 AND b.event_id IS NULL
ORDER BY q.subject_id, q.seq LIMIT 1000
""",
    feed_order="""
SELECT subject_id AS order_id, 'feed number of event ' || seq AS field,
  'more than ' || before AS expected,
  feed_no::text AS found
FROM (
  SELECT subject_id, seq, feed_no, lag(feed_no) OVER (PARTITION BY subject_id
    ORDER BY seq) AS before FROM feed
  WHERE merchant_id = $1 AND subject_id > $2 AND subject_id <= $3
) f
WHERE feed_no <= before ORDER BY subject_id, seq LIMIT 1000
""",
    lanes="""
SELECT l.subject_id AS order_id, 'next event ' || l.next_seq || ' of a delivery lane' AS field,
  'an event of the feed' AS expected, 'none' AS found
FROM lanes l
JOIN endpoints e USING (endpoint_id)
LEFT JOIN feed f ON f.merchant_id = l.merchant_id AND f.subject_id = l.subject_id
  AND f.seq = l.next_seq
WHERE l.merchant_id = $1 AND l.subject_id > $2 AND l.subject_id <= $3
  AND CASE WHEN e.ordered THEN l.subject_id ELSE f.event_id END IS DISTINCT FROM CASE
    WHEN f.seq IS NULL THEN NULL
    ELSE l.lane_id END
LIMIT 1000
""",
    # An ordered endpoint sees the next event only once the one before was delivered or given up.
    delivered="""
SELECT subject_id AS order_id, 'first delivery of event ' || seq AS field,
  'after event ' || before || ' was done with' AS expected, first_at::text AS found
FROM (
  SELECT subject_id, seq, first_at, lag(seq) OVER w AS before, lag(done_at) OVER w AS before_done
  FROM (
    SELECT t.endpoint_id, t.subject_id, t.seq, min(t.at) AS first_at,
      min(t.at) FILTER (WHERE t.result <> 'failed') AS done_at
    FROM delivery_tries t JOIN endpoints e USING (endpoint_id)
    WHERE t.merchant_id = $1 AND t.subject_id > $2 AND t.subject_id <= $3 AND e.ordered
      AND NOT t.resent
    GROUP BY 1, 2, 3
  ) d WINDOW w AS (PARTITION BY endpoint_id, subject_id ORDER BY seq)
) t
WHERE before IS NOT NULL AND (before_done IS NULL OR before_done > first_at)
ORDER BY subject_id, seq LIMIT 1000
""",
)


# $4, $5: status -> its name. What the newest event says of an order is what the order's own row
# says.
@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT order_id, 'state of the order in event ' || seq AS field,
  expected::text || ' ' || coalesce(until::text, '')
  AS expected, found::text AS found
FROM (
  SELECT h.order_id, b.seq, b.body -> 'Order' AS found, o.expires_at AS until,
    jsonb_build_object('Status', s.name,
    'Amount', h.units, 'RefundedAmount', h.refunded_units, 'Currency', h.asset, 'Reason', h.reason,
    'DoNotRetry', o.do_not_retry) AS expected
  FROM order_heads h
  JOIN orders o USING (merchant_id, order_id)
  JOIN unnest($4::int[], $5::text[]) AS s (status, name) USING (status)
  CROSS JOIN LATERAL (SELECT seq, body FROM outbox b WHERE b.merchant_id = h.merchant_id
    AND b.subject_id = h.order_id
    ORDER BY seq DESC LIMIT 1) b
  WHERE h.merchant_id = $1 AND h.order_id > $2 AND h.order_id <= $3 AND o.door = 'rescue'
) x
WHERE found - 'ExpiryDate' IS DISTINCT FROM expected
  OR (found ->> 'ExpiryDate')::timestamptz IS DISTINCT FROM date_trunc('milliseconds', until)
ORDER BY order_id LIMIT 1000
""")
async def _state(
    db: Read,
    merchant_id: UUID,
    after: UUID,
    until: UUID,
    statuses: Sequence[int],
    names: Sequence[str],
) -> list[Differs]: ...


async def messages(
    db: Read,
    window: Window,
    lines: Sequence[str],
    events: Sequence[str],
    statuses: Mapping[int, str],
) -> list[Difference]:
    """`lines[i]` (src/happening/dst) names `events[i]`. `statuses`: each with the name that events
    call it."""
    wrong = await differences(db, _of_line, window.merchant_id, *window, lines, events)
    wrong += await differences(
        db, _state, window.merchant_id, *window, list(statuses), list(statuses.values())
    )
    return wrong + await _of_feed(db, window)


feed: Final = of_merchant(
    __name__,
    feed="""
SELECT NULL::uuid AS order_id, v.field, v.expected, v.found
FROM (SELECT coalesce(max(feed_no), 0) AS feed_no, coalesce(max(number), 0) AS number FROM closers
  WHERE merchant_id = $1) c
CROSS JOIN LATERAL (
  SELECT coalesce(max(feed_no), 0) AS last, coalesce(max(number), 0) AS last_number,
    (SELECT min(x.feed_no) FROM (SELECT f.feed_no, lag(f.feed_no, 1,
      0::bigint) OVER (ORDER BY f.feed_no) AS before
      FROM feed f WHERE f.merchant_id = $1) x
      WHERE x.feed_no <> x.before + 1 AND x.feed_no - 1 NOT IN (SELECT feed
        FROM epochs)) AS after_gap,
    (SELECT min(x.number) FROM (SELECT f.number, lag(f.number, 1,
      0::bigint) OVER (ORDER BY f.feed_no) AS before
      FROM feed f WHERE f.merchant_id = $1 AND f.number IS NOT NULL) x
      WHERE x.number <> x.before + 1 AND x.number - 1 NOT IN (SELECT feed
        FROM epochs)) AS wrong_number
  FROM feed WHERE merchant_id = $1
) f
CROSS JOIN LATERAL (VALUES
  (1, 'feed number after a gap', 'none', coalesce(f.after_gap::text, 'none')),
  (2, 'last feed number', c.feed_no::text, f.last::text),
  (3, 'number in the rescue API out of place', 'none', coalesce(f.wrong_number::text, 'none')),
  (4, 'last number in the rescue API', c.number::text, f.last_number::text)
) v (no, field, expected, found)
WHERE v.expected <> v.found AND (v.no NOT IN (2, 4) OR v.expected NOT IN (SELECT feed::text
  FROM epochs))
ORDER BY v.no LIMIT 1000
""",
    feed_of_nothing=f"""
SELECT f.subject_id AS order_id, 'event of feed number ' || f.feed_no AS field,
  'an event' AS expected, 'none' AS found
FROM feed f LEFT JOIN outbox b USING (merchant_id, subject_id, seq)
WHERE f.merchant_id = $1 AND b.event_id IS NULL AND {not_archived("f", "subject_id")}
ORDER BY f.feed_no LIMIT 1000
""",
)


# $4: after so many tries a mail is given up.
@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT m.order_id, v.field || ' of mail ' || m.notice AS field, v.expected, v.found
FROM mails m
CROSS JOIN LATERAL (VALUES
  (1, 'due work mail', CASE m.state WHEN 'owed' THEN 'due' ELSE 'none' END,
    CASE WHEN EXISTS (SELECT FROM due_work d WHERE d.merchant_id = m.merchant_id AND d.kind = 'mail'
      AND d.subject_id = m.mail_id) THEN 'due' ELSE 'none' END),
  (2, 'tries', 'as many as ' || m.state || ' takes', CASE WHEN m.tries >= CASE
    WHEN m.state IN ('owed', 'withheld') THEN 0 WHEN m.state = 'given_up' THEN $4 ELSE 1 END
    THEN 'as many as ' || m.state || ' takes' ELSE m.tries::text END),
  (3, 'reason', CASE WHEN m.state IN ('refused', 'given_up', 'withheld') THEN 'given'
    WHEN m.state = 'owed' AND m.tries > 0 THEN 'any' ELSE 'none' END,
    CASE WHEN m.state = 'owed' AND m.tries > 0 THEN 'any' WHEN m.why = '' THEN 'none'
    ELSE 'given' END)
) v (no, field, expected, found)
WHERE m.merchant_id = $1 AND m.order_id > $2 AND m.order_id <= $3 AND v.expected <> v.found
ORDER BY m.order_id, m.mail_id, v.no LIMIT 1000
""")
async def _of_mail(
    db: Read, merchant_id: UUID, after: UUID, until: UUID, tries_max: int
) -> list[Differs]: ...


async def mails(db: Read, window: Window, tries_max: int) -> list[Difference]:
    return await differences(db, _of_mail, window.merchant_id, *window, tries_max)
