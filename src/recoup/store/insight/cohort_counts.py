"""A merchant's declined subscription payments of some days, counted by what they have in common. Bounded in rows."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement

ORDERS_MAX: Final = 50_000  # of a week, the newest


class CohortRow(Row, frozen=True):
    """`day`: whole days from the decline to the rescue inside the window; None: not rescued."""

    site_id: UUID
    campaign_id: UUID | None
    asset: str
    day: int | None
    closed: bool
    orders: int
    units: Decimal


# An order without an expiry has a window of thirty days, whatever becomes of it.
@statement(
    MERCHANT,
    f"""
SELECT h.site_id, h.campaign_id, h.asset, r.day, h.closes_at <= $4 AS closed, count(*)::int AS orders,
  sum(h.units)::numeric AS units
FROM (
  SELECT order_id, site_id, campaign_id, asset, units, placed_at, status, reason,
    coalesce(expires_at, placed_at + interval '30 days') AS closes_at
  FROM order_heads
  WHERE merchant_id = $1 AND placed_at >= $2 AND placed_at < $3 AND order_type = 'MIT'
  ORDER BY placed_at DESC LIMIT {ORDERS_MAX}
) h
LEFT JOIN LATERAL (
  SELECT floor(extract(epoch FROM l.business_at - h.placed_at) / 86400)::int AS day FROM order_log l
  WHERE l.merchant_id = $1 AND l.order_id = h.order_id AND l.business_at <= h.closes_at
    AND l.happening IN ('collected', 'captured', 'paid_elsewhere')
  ORDER BY l.seq LIMIT 1
) r ON h.status IN (6, 7, 8) OR h.reason = 'paid_elsewhere'
GROUP BY 1, 2, 3, 4, 5
""",
)
async def cohort_counts(db: Read, merchant_id: UUID, begin: datetime, end: datetime, now: datetime) -> list[CohortRow]:
    """Placed from `begin` on and before `end`; `now`: business time."""
