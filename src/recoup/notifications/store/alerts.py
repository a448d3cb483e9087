"""Alerts: what each is about, what it is made under, and which orders came to wait for a person."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx, Written

FIRST: Final = 5
EVENTS_MAX: Final = 10_000


class Alert(Row):
    """Alert to people. `about`: the order, dispute, payout, batch, endpoint, request or merchant.
    `user_id`: nobody else hears of it."""

    kind: str
    about: UUID
    step: int
    facts: dict[str, Any]
    user_id: UUID | None


@MERCHANT.statement(
    "SELECT kind, about, step, facts, user_id FROM alerts WHERE merchant_id = $1 AND alert_id = $2"
)
async def find_alert(db: Read, merchant_id: UUID, alert_id: UUID) -> Alert | None:
    """The alert, with the facts that it carries itself."""


class DisputeFacts(Row):
    dispute_id: str | None
    continued: bool
    order_id: UUID
    units: int | None
    asset: str
    external_id: str
    respond_by: str | None


@MERCHANT.statement("""
SELECT l.body ->> 'dispute_id' AS dispute_id, l.happening = 'dispute_continued' AS continued,
  l.order_id,
  (l.body ->> 'units')::bigint AS units, o.asset, o.external_id,
    l.body ->> 'respond_by' AS respond_by
FROM order_log l JOIN orders o USING (merchant_id, order_id)
WHERE l.merchant_id = $1 AND l.order_id = $2 AND l.seq = $3
""")
async def _dispute(db: Read, merchant_id: UUID, order_id: UUID, seq: int) -> DisputeFacts | None:
    """The facts of a dispute, as a line of the order's log tells it."""


class PayoutFacts(Row):
    payout_id: UUID
    batch_id: UUID | None
    units: int
    asset: str
    status: str | None


@MERCHANT.statement("""
SELECT p.payout_id, p.batch_id, p.units, p.asset,
  CASE WHEN $3 < 0 THEN 'waits_again' WHEN $3 = 0 THEN 'scheduled'
    ELSE (SELECT CASE b.event WHEN 'payout.created' THEN 'sent' ELSE b.body ->> 'Status' END
      FROM outbox b
      WHERE b.merchant_id = $1 AND b.subject_id = $2 AND b.seq = $3) END AS status
FROM bank_payouts p WHERE p.merchant_id = $1 AND p.payout_id = $2
""")
async def _payout(db: Read, merchant_id: UUID, payout_id: UUID, step: int) -> PayoutFacts | None:
    """`step`: its event's; below zero it waits again, at zero it is scheduled."""


class SettlementFacts(Row):
    batch_id: UUID
    units: int
    asset: str
    period_from: datetime
    last_day: datetime


@MERCHANT.statement("""
SELECT batch_id, payout_units AS units, asset, period_from, period_to - interval '1 day' AS last_day
FROM settlement_batches WHERE merchant_id = $1 AND batch_id = $2
""")
async def _batch(db: Read, merchant_id: UUID, batch_id: UUID) -> SettlementFacts | None:
    """A settlement."""


async def alert_facts(
    db: Read, merchant_id: UUID, kind: str, about: UUID, step: int
) -> DisputeFacts | PayoutFacts | SettlementFacts | None:
    """The facts of an alert that an event made; None for kinds that carry their own."""
    if kind == "dispute":
        return await _dispute(db, merchant_id, about, step)
    if kind == "payout":
        return await _payout(db, merchant_id, about, step)
    if kind == "settlement":
        return await _batch(db, merchant_id, about)
    return None


class Last(NamedTuple):
    """The feed number up to which orders are in an alert, and the time of the last one."""

    feed_no: int
    alerted_at: datetime | None


async def last_orders_alert(db: Read, merchant_id: UUID) -> Last:
    """The last alert of waiting orders; for a merchant without one, as if it was at the
    beginning."""
    feed_no = await _last_step(db, merchant_id)
    return (
        Last(0, None)
        if feed_no is None
        else Last(feed_no, await _last_notified_at(db, merchant_id))
    )


@MERCHANT.statement("""
SELECT step FROM alerts WHERE merchant_id = $1 AND kind = 'orders' AND about = $1 ORDER BY step DESC
  LIMIT 1
""")
async def _last_step(db: Read, merchant_id: UUID) -> int | None:
    """The step of the feed at which the last alert stood."""


@MERCHANT.statement("""
SELECT created_at FROM alerts WHERE merchant_id = $1 AND kind = 'orders' AND about = $1
  AND (facts ->> 'orders')::int > 0
ORDER BY step DESC LIMIT 1
""")
async def _last_notified_at(db: Read, merchant_id: UUID) -> datetime | None:
    """The time of the last alert that had orders."""


class WaitingOrders(Row):
    """Waiting orders, counted by their state; `capped`: there may be more. Of the `first` the ids,
    and the merchant's own `names`."""

    orders: int
    problem: int
    onhold: int
    capped: bool
    first: list[str]
    names: list[str]


# Those that wait still: what went on by itself meanwhile needs nobody.
@MERCHANT.statement(f"""
WITH came AS MATERIALIZED (
  SELECT DISTINCT subject_id FROM (
    SELECT subject_id FROM feed WHERE merchant_id = $1 AND event IN ('order.problem',
      'order.onhold')
      AND feed_no > $2 AND feed_no <= $3 ORDER BY feed_no LIMIT {EVENTS_MAX}) few
), waits AS MATERIALIZED (
  SELECT h.order_id, h.status, h.placed_at FROM came JOIN order_heads h
    ON h.merchant_id = $1 AND h.order_id = came.subject_id AND h.status IN (1, 3)
), few AS (
  SELECT w.*, o.external_id FROM (SELECT order_id, row_number() OVER (ORDER BY status DESC,
    placed_at, order_id) AS n
    FROM waits ORDER BY n LIMIT {FIRST}) w
  JOIN orders o ON o.merchant_id = $1 AND o.order_id = w.order_id
)
SELECT count(*)::int AS orders, count(*) FILTER (WHERE status = 3)::int AS problem,
  count(*) FILTER (WHERE status = 1)::int AS onhold, (SELECT count(*)
    FROM came) >= {EVENTS_MAX} AS capped,
  coalesce((SELECT array_agg(order_id::text ORDER BY n) FROM few), '{{}}') AS first,
  coalesce((SELECT array_agg(external_id ORDER BY n) FROM few), '{{}}') AS names
FROM waits
""")
async def waiting_since(db: Read, merchant_id: UUID, after: int, until: int) -> WaitingOrders:
    """Orders that came into Problem or Onhold in this part of the feed and wait still, those in
    Problem first."""


async def lock_feed(db: Tx, merchant_id: UUID) -> int:
    """The number of the feed's last event; until the transaction ends none is added. Of a
    merchant's replays one at a time goes on: lanes come into a replay under this lock only."""
    return await _lock_feed(db, merchant_id) or 0


@MERCHANT.statement("SELECT feed_no FROM closers WHERE merchant_id = $1 FOR UPDATE")
async def _lock_feed(db: Tx, merchant_id: UUID) -> int | None:
    """Locks the merchant's feed; None before its first event."""


class FailingEndpoint(Row):
    """Failing endpoint of a merchant or a partner."""

    endpoint_id: UUID
    merchant_id: UUID | None
    partner_id: UUID | None
    state: Literal["active", "disabled", "deleted"]
    failing_since: datetime | None
    created_at: datetime
    host: str | None


@MERCHANT.statement("""
SELECT endpoint_id, merchant_id, partner_id, state, failing_since, created_at,
  substring(url FROM '^[a-z]+://([^/?#]+)') AS host
FROM endpoints
WHERE endpoint_id = ANY($1::uuid[]) AND (state = 'disabled' OR opened_at IS NOT NULL)
ORDER BY endpoint_id
""")
async def failing_endpoints(db: Read, endpoint_ids: Sequence[UUID]) -> list[FailingEndpoint]:
    """The open or switched-off ones among these endpoints."""


ALERTS_KEPT: Final = timedelta(days=90)


@MERCHANT.statement(
    "DELETE FROM alerts WHERE ctid IN (SELECT ctid FROM alerts WHERE created_at < $1 LIMIT $2)"
)
async def forget_alerts(db: Tx, before: datetime, limit: int) -> Written:
    """Deletes alerts of merchants that were made before then."""
