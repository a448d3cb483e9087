"""What is closed over committed rows, merchant by merchant, under the closer's own lock: the feed and the pages.

Writers never wait for it: they only insert. Numbers are given here, in the order of commits as far as anyone can see,
and without gaps.
"""

from datetime import datetime
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Tx, statement


@statement(MERCHANT, "SELECT DISTINCT merchant_id FROM outbox WHERE NOT fed")
async def merchants_with_events(db: Read) -> list[UUID]:
    """With events that have no number yet."""


@statement(MERCHANT, "SELECT DISTINCT merchant_id FROM postings WHERE page_no IS NULL")
async def merchants_with_postings(db: Read) -> list[UUID]:
    """With postings that are in no page yet."""


@statement(MERCHANT, "SELECT true FROM closers WHERE merchant_id = $1 FOR UPDATE SKIP LOCKED")
async def lock_closer(db: Tx, merchant_id: UUID) -> bool:
    """False when another process is closing this merchant right now."""


# Whole subjects, so that a later event of one never passes an earlier one; found by their keys, and marked as they are
# found, so that what was fed before is not looked at, however much it is. A lane that exists is touched, not passed by:
# so this waits for whoever is just ending it, and opens it anew. What people hear of is owed with its place in the
# feed; orders that wait for a person are gathered for a minute.
@statement(MERCHANT, """
WITH subjects AS MATERIALIZED (
  SELECT DISTINCT subject_id FROM (
    SELECT subject_id FROM outbox WHERE merchant_id = $1 AND NOT fed ORDER BY recorded_at LIMIT $2) s
), marked AS (
  UPDATE outbox SET fed = true
  WHERE merchant_id = $1 AND NOT fed AND subject_id = ANY(ARRAY(SELECT subject_id FROM subjects))
    AND subject_id >= (SELECT subject_id FROM subjects ORDER BY subject_id LIMIT 1)
    AND subject_id <= (SELECT subject_id FROM subjects ORDER BY subject_id DESC LIMIT 1)
  RETURNING subject_id, seq, event_id, event, subject_kind, recorded_at
), found AS MATERIALIZED (
  SELECT subject_id, seq, event_id, event, subject_kind, min(recorded_at) OVER (PARTITION BY subject_id) AS since
  FROM marked
), fresh AS MATERIALIZED (
  SELECT f.*, c.feed_no + row_number() OVER w AS no,
    CASE WHEN f.ours THEN c.number + count(*) FILTER (WHERE f.ours) OVER w END AS number
  FROM (SELECT *, subject_kind NOT IN ('stable_order', 'subscription') AS ours FROM found) f, closers c
  WHERE c.merchant_id = $1 WINDOW w AS (ORDER BY since, subject_id, seq)
), numbered AS (
  INSERT INTO feed (merchant_id, feed_no, subject_id, seq, event_id, event, number)
  SELECT $1, no, subject_id, seq, event_id, event, number FROM fresh
), counted AS (
  UPDATE closers SET feed_no = feed_no + n.all, number = number + n.ours
  FROM (SELECT count(*) AS all, count(number) AS ours FROM fresh) n WHERE merchant_id = $1
), heard AS MATERIALIZED (
  SELECT * FROM endpoints WHERE merchant_id = $1 AND state = 'active'
  UNION ALL SELECT e.* FROM heard_by_partners p JOIN endpoints e ON e.partner_id = p.partner_id AND e.state = 'active'
  WHERE p.merchant_id = $1
), wanted AS (
  SELECT e.endpoint_id, CASE WHEN e.ordered THEN f.subject_id ELSE f.event_id END AS lane_id, f.subject_id,
    min(f.seq) AS seq
  FROM fresh f JOIN heard e ON f.event = ANY(e.events) AND (e.format <> 'stablecoin') = f.ours
  GROUP BY 1, 2, 3
), laned AS (
  INSERT INTO lanes (merchant_id, endpoint_id, lane_id, subject_id, next_seq, due_at)
  SELECT $1, endpoint_id, lane_id, subject_id, seq, $3 FROM wanted ORDER BY 2, 3
  ON CONFLICT (merchant_id, endpoint_id, lane_id) DO UPDATE SET next_seq = lanes.next_seq
), telling AS MATERIALIZED (
  SELECT event_id, subject_id, seq, CASE event WHEN 'payment.chargeback.received' THEN 'dispute'
    WHEN 'settlement.closed' THEN 'settlement' ELSE 'payout' END AS kind
  FROM fresh
  WHERE event IN ('payment.chargeback.received', 'payout.created', 'payout.updated', 'settlement.closed')
), alerted AS (
  INSERT INTO alerts (merchant_id, alert_id, kind, about, step, facts, created_at)
  SELECT $1, event_id, kind, subject_id, seq, '{}', $3 FROM telling
), due AS (
  INSERT INTO due_work (merchant_id, kind, subject_id, due_at, wall)
  SELECT $1, 'alert', event_id, $3, true FROM telling
  UNION ALL SELECT $1, 'orders_alert', $1, $3 + interval '1 minute', true
  WHERE EXISTS (SELECT FROM fresh WHERE event IN ('order.problem', 'order.onhold'))
  ON CONFLICT (merchant_id, kind, subject_id) DO NOTHING
)
SELECT count(*) FROM fresh
""")
async def feed_events(db: Tx, merchant_id: UUID, limit: int, wall: datetime) -> int:
    """Numbers committed events and opens the lanes of the endpoints that want them. Under the closer's lock."""


async def close_page(db: Tx, merchant_id: UUID, limit: int, wall: datetime) -> int:
    """Seals committed postings into the next page. Under the closer's lock; nothing else in its transaction."""
    await _hash_sets(db)
    return await _close_page(db, merchant_id, limit, wall)


# Pages are large: how large a set is that a statement has just built is guessed badly, and a nested loop over it would
# be quadratic. For the rest of the transaction sets are hashed or merged: each lies between two ids, so that none is
# more than the page. Nothing else may run there, for a hash or a merge reads all that no key bounds.
@statement(MERCHANT, "SELECT set_config('enable_nestloop', 'off', true)")
async def _hash_sets(db: Tx) -> None:
    """For the rest of the transaction."""


@statement(MERCHANT, """
WITH c AS MATERIALIZED (
  SELECT page_no + 1 AS page_no, root FROM closers WHERE merchant_id = $1
), p AS MATERIALIZED (
  SELECT posting_id, content_hash, row_number() OVER (ORDER BY posting_id)::int AS position FROM (
    SELECT posting_id, content_hash FROM postings WHERE merchant_id = $1 AND page_no IS NULL
    ORDER BY posting_id LIMIT $2) first
), span AS MATERIALIZED (
  SELECT (array_agg(posting_id ORDER BY position))[1] AS low, (array_agg(posting_id ORDER BY position DESC))[1] AS high
  FROM p
), entered AS MATERIALIZED (
  SELECT p.position, e.posting_id, e.line_no, e.account, e.asset, e.place, e.units
  FROM entries e JOIN p USING (posting_id)
  WHERE e.merchant_id = $1 AND e.posting_id BETWEEN (SELECT low FROM span) AND (SELECT high FROM span)
), accounts AS MATERIALIZED (  -- few, and numbers sort several times as fast as their names
  SELECT account, asset, place, row_number() OVER () AS number
  FROM (SELECT DISTINCT account, asset, place FROM entered) a
), e AS MATERIALIZED (
  SELECT posting_id, line_no, account, asset, place, units, sum(units) OVER (
      PARTITION BY number ORDER BY position, line_no ROWS UNBOUNDED PRECEDING) AS running
  FROM entered JOIN accounts USING (account, asset, place)
), sums AS MATERIALIZED (
  SELECT account, asset, place, sum(units) AS units FROM e GROUP BY 1, 2, 3
), told AS MATERIALIZED (
  SELECT jsonb_object_agg(account || '|' || asset || '|' || place, units) AS sums,
    string_agg(account || '|' || asset || '|' || place || '=' || units, E'\\n' ORDER BY account, asset, place) AS text
  FROM sums
), r AS MATERIALIZED (
  SELECT c.page_no, c.root AS prev_root, sha256(c.root || convert_to(c.page_no::text, 'UTF8')
      || (SELECT string_agg(content_hash, ''::bytea ORDER BY position) FROM p)
      || convert_to(told.text, 'UTF8')) AS root, told.sums
  FROM c, told WHERE EXISTS (SELECT FROM p)
), balances AS (
  INSERT INTO account_balances AS b (merchant_id, account, asset, place, units, page_no)
  SELECT $1, account, asset, place, units, r.page_no FROM sums, r
  ON CONFLICT (merchant_id, account, asset, place) DO UPDATE SET units = b.units + EXCLUDED.units,
    page_no = EXCLUDED.page_no
), stamped_entries AS (
  UPDATE entries t SET balance_after = e.running + coalesce(b.units, 0)
  FROM e LEFT JOIN account_balances b ON b.merchant_id = $1 AND b.account = e.account AND b.asset = e.asset
    AND b.place = e.place
  WHERE t.merchant_id = $1 AND t.posting_id BETWEEN (SELECT low FROM span) AND (SELECT high FROM span)
    AND t.posting_id = e.posting_id AND t.line_no = e.line_no
), stamped_postings AS (
  UPDATE postings t SET page_no = r.page_no, position = p.position FROM p, r
  WHERE t.merchant_id = $1 AND t.posting_id BETWEEN (SELECT low FROM span) AND (SELECT high FROM span)
    AND t.posting_id = p.posting_id
), page AS (
  INSERT INTO pages (merchant_id, page_no, prev_root, root, postings, sums, closed_at)
  SELECT $1, page_no, prev_root, root, (SELECT count(*) FROM p), sums, $3 FROM r
), moved AS (
  UPDATE closers SET page_no = r.page_no, root = r.root FROM r WHERE merchant_id = $1
)
SELECT count(*) FROM p
""")
async def _close_page(db: Tx, merchant_id: UUID, limit: int, wall: datetime) -> int:
    """Answers how many."""
