"""Totals of the orders and ledgers of a partner's merchants by day, as of a moment. Business time,
days in UTC."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from recoup.db.known import known_at
from recoup.db.statement import MERCHANT, Read, Row
from recoup.kit.as_of import ALWAYS, Window
from recoup.merchants.store.clock_moves import JOINED

STATEMENT_SECONDS = 120.0


class Reported(Row):
    merchant_id: UUID
    name: str


# A line of the log that renamed it says what it was named before, and when that was by its own
# clock.
@MERCHANT.statement(f"""
SELECT m.merchant_id, coalesce(n.name, m.name) AS name
FROM partner_merchants o JOIN merchants m ON m.merchant_id = o.merchant_id
LEFT JOIN LATERAL (
  SELECT l.about -> 'name' ->> 0 AS name FROM partner_log l
  WHERE l.merchant_id = o.merchant_id AND l.happening = 'merchant_changed'
    AND l.about -> 'name' ->> 0 IS NOT NULL
    AND NOT ((l.about ->> 'business_at')::timestamptz <= $2 AND l.at <= $3)
  ORDER BY l.at, l.log_id LIMIT 1
) n ON true
WHERE o.partner_id = $1 AND {JOINED} <= $2 AND o.created_at <= $3
  AND ($4::uuid IS NULL OR o.merchant_id > $4) AND ($6::uuid IS NULL OR o.merchant_id = $6)
ORDER BY o.merchant_id LIMIT $5
""")
async def merchants_then(
    db: Read,
    partner_id: UUID,
    business: datetime,
    recorded: datetime,
    after: UUID | None,
    limit: int,
    only: UUID | None,
) -> list[Reported]:
    """Merchants that the partner had then, as they were named, in the order of their ids."""


class Booked(Row):
    """`units`: + is in the merchant's favour."""

    day: date
    asset: str
    recipe: str
    entries: int
    units: Decimal


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT (p.business_at AT TIME ZONE 'UTC')::date AS day, e.asset, p.recipe, count(*) AS entries,
  -sum(e.units) AS units
FROM postings p
JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id
  AND e.account = 'merchant_payable'
WHERE p.merchant_id = $1 AND p.business_at >= $2 AND p.business_at < $3 AND {known_at("p", 4)}
  AND ($6::text IS NULL OR e.asset = $6)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""")
async def booked_by_day(
    db: Read, merchant_id: UUID, window: Window, asset: str | None
) -> list[Booked]:
    """The ledger's own sums on the merchant's account."""


class Placed(Row):
    """`units`: what the orders came in with, whatever was collected of it."""

    day: date
    asset: str
    orders: int
    units: Decimal


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT (h.placed_at AT TIME ZONE 'UTC')::date AS day, o.asset, count(*) AS orders,
  sum(o.units) AS units
FROM order_heads h CROSS JOIN LATERAL (
  SELECT o.asset, o.units FROM orders o WHERE o.merchant_id = h.merchant_id
    AND o.order_id = h.order_id LIMIT 1
) o
WHERE h.merchant_id = $1 AND h.placed_at >= $2 AND h.placed_at < $3 AND h.placed_at <= $4
  AND ($5 = '{ALWAYS}'::timestamptz OR (SELECT l.recorded_at FROM order_log l
    WHERE l.merchant_id = h.merchant_id AND l.order_id = h.order_id AND l.seq = 1) <= $5)
  AND ($6::text IS NULL OR o.asset = $6)
GROUP BY 1, 2 ORDER BY 1, 2
""")
async def placed_by_day(
    db: Read, merchant_id: UUID, window: Window, asset: str | None
) -> list[Placed]:
    """Orders by when they were placed."""
