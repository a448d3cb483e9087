"""What an alert is about, and which orders came to wait for a person."""

from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

FIRST: Final = 5
EVENTS_MAX: Final = 10_000
_ALERT: Final = "SELECT kind, about, step, facts, user_id FROM alerts WHERE merchant_id = $1 AND alert_id = $2"
_DISPUTE: Final = """
SELECT l.body ->> 'dispute_id' AS dispute_id, l.happening = 'dispute_continued' AS continued, l.order_id,
  (l.body ->> 'units')::bigint AS units, o.asset, o.external_id, l.body ->> 'respond_by' AS respond_by
FROM order_log l JOIN orders o USING (merchant_id, order_id)
WHERE l.merchant_id = $1 AND l.order_id = $2 AND l.seq = $3
"""
_PAYOUT: Final = """
SELECT p.payout_id, p.batch_id, p.units, p.asset,
  CASE WHEN $3 < 0 THEN 'waits_again' WHEN $3 = 0 THEN 'scheduled'
    ELSE (SELECT CASE b.event WHEN 'payout.created' THEN 'sent' ELSE b.body ->> 'Status' END FROM outbox b
      WHERE b.merchant_id = $1 AND b.subject_id = $2 AND b.seq = $3) END AS status
FROM bank_payouts p WHERE p.merchant_id = $1 AND p.payout_id = $2
"""
_BATCH: Final = """
SELECT batch_id, payout_units AS units, asset, period_from, period_to - interval '1 day' AS last_day
FROM settlement_batches WHERE merchant_id = $1 AND batch_id = $2
"""
_LAST: Final = """
SELECT step, created_at FROM alerts WHERE merchant_id = $1 AND kind = 'orders' AND about = $1 ORDER BY step DESC LIMIT 1
"""
_LAST_TOLD: Final = """
SELECT created_at FROM alerts WHERE merchant_id = $1 AND kind = 'orders' AND about = $1
  AND (facts ->> 'orders')::int > 0
ORDER BY step DESC LIMIT 1
"""
# Those that wait still: what went on by itself meanwhile needs nobody.
_WAITING: Final = """
WITH came AS MATERIALIZED (
  SELECT DISTINCT subject_id FROM (
    SELECT subject_id FROM feed WHERE merchant_id = $1 AND event IN ('order.problem', 'order.onhold')
      AND feed_no > $2 AND feed_no <= $3 ORDER BY feed_no LIMIT $4) few
), waits AS MATERIALIZED (
  SELECT h.order_id, h.status, h.placed_at FROM came JOIN order_heads h
    ON h.merchant_id = $1 AND h.order_id = came.subject_id AND h.status IN (1, 3)
), few AS (
  SELECT w.*, o.external_id FROM (SELECT order_id, row_number() OVER (ORDER BY status DESC, placed_at, order_id) AS n
    FROM waits ORDER BY n LIMIT $5) w
  JOIN orders o ON o.merchant_id = $1 AND o.order_id = w.order_id
)
SELECT count(*)::int AS orders, count(*) FILTER (WHERE status = 3)::int AS problem,
  count(*) FILTER (WHERE status = 1)::int AS onhold, (SELECT count(*) FROM came) >= $4 AS capped,
  coalesce((SELECT array_agg(order_id::text ORDER BY n) FROM few), '{}') AS first,
  coalesce((SELECT array_agg(external_id ORDER BY n) FROM few), '{}') AS names
FROM waits
"""


class Last(NamedTuple):
    """Up to where in the feed orders were told of, and when somebody last heard of some."""

    feed_no: int
    told_at: datetime | None


async def find_alert(connection: asyncpg.Connection, merchant_id: UUID, alert_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_ALERT, merchant_id, alert_id)


async def alert_facts(
    connection: asyncpg.Connection, merchant_id: UUID, kind: str, about: UUID, step: int
) -> dict[str, Any] | None:  # fmt: skip
    """Of an alert that an event made; None for kinds that carry their own."""
    if kind == "dispute":
        row = await connection.fetchrow(_DISPUTE, merchant_id, about, step)
    elif kind == "payout":
        row = await connection.fetchrow(_PAYOUT, merchant_id, about, step)
    elif kind == "settlement":
        row = await connection.fetchrow(_BATCH, merchant_id, about)
    else:
        return None
    return dict(row) if row is not None else None


async def last_orders_alert(connection: asyncpg.Connection, merchant_id: UUID) -> Last:
    row = await connection.fetchrow(_LAST, merchant_id)
    told_at = await connection.fetchval(_LAST_TOLD, merchant_id) if row else None
    return Last(row["step"] if row else 0, told_at)


async def waiting_since(connection: asyncpg.Connection, merchant_id: UUID, after: int, until: int) -> dict[str, Any]:
    """Orders that came into Problem or Onhold in this part of the feed and wait still, those in Problem first."""
    return dict(await connection.fetchrow(_WAITING, merchant_id, after, until, EVENTS_MAX, FIRST))
