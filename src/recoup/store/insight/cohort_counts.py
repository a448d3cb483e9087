"""A merchant's declined subscription payments of some days, counted by what they have in common. Bounded in rows."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row

SECONDS: Final = 600.0
ORDERS_MAX: Final = 50_000  # of a week, the newest


class CohortRow(Row, frozen=True):
    """`begin`: of the week. `day`: whole days from the decline to the rescue inside the window; None: not rescued."""

    begin: datetime
    site_id: UUID
    campaign_id: UUID | None
    asset: str
    day: int | None
    closed: bool
    orders: int
    units: Decimal


# An order without an expiry has a window of thirty days, whatever becomes of it.
@MERCHANT.within(SECONDS).statement(f"""
SELECT w.begin, h.site_id, h.campaign_id, h.asset, r.day, h.closes_at <= $4 AS closed, count(*)::int AS orders,
  sum(h.units)::numeric AS units
FROM generate_series(0, $3::int - 1) AS n (week)
CROSS JOIN LATERAL (SELECT $2::timestamptz + n.week * interval '168 hours' AS begin) w
CROSS JOIN LATERAL (
  SELECT order_id, site_id, campaign_id, asset, units, placed_at, status, reason,
    coalesce(expires_at, placed_at + interval '30 days') AS closes_at
  FROM order_heads
  WHERE merchant_id = $1 AND placed_at >= w.begin AND placed_at < w.begin + interval '168 hours' AND order_type = 'MIT'
  ORDER BY placed_at DESC LIMIT {ORDERS_MAX}
) h
LEFT JOIN LATERAL (
  SELECT floor(extract(epoch FROM l.business_at - h.placed_at) / 86400)::int AS day FROM order_log l
  WHERE l.merchant_id = $1 AND l.order_id = h.order_id AND l.business_at <= h.closes_at
    AND (l.happening IN ('collected', 'captured', 'paid_elsewhere')
      OR l.happening = 'parts_kept' AND l.body ? 'transmit_id')
  ORDER BY l.seq LIMIT 1
) r ON h.status IN (6, 7, 8) OR h.reason = 'paid_elsewhere'
GROUP BY 1, 2, 3, 4, 5, 6
""")
async def cohort_counts(db: Read, merchant_id: UUID, first: datetime, weeks: int, now: datetime) -> list[CohortRow]:
    """Placed in so many weeks from `first` on; `now`: business time."""


@MERCHANT.statement(
    "SELECT EXISTS (SELECT FROM order_heads WHERE merchant_id = $1 AND placed_at >= $2 AND order_type = 'MIT')"
)
async def has_orders(db: Read, merchant_id: UUID, since: datetime) -> bool:
    """Subscription payments that were declined since then."""


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM order_heads WHERE merchant_id = $1 AND expires_at > $3 AND expires_at <= $4
    AND order_type = 'MIT')
  OR EXISTS (SELECT FROM order_heads WHERE merchant_id = $1 AND order_type = 'MIT' AND expires_at IS NULL
    AND placed_at > greatest($2::timestamptz, $3::timestamptz - interval '30 days')
    AND placed_at <= $4::timestamptz - interval '30 days')
""")
async def has_closed(db: Read, merchant_id: UUID, since: datetime, after: datetime, until: datetime) -> bool:
    """Whether a window closed behind `after`, up to `until`, of an order that was placed since `since`."""
