"""Outcomes of advances and of orders like them, week by week, and the bounds that follow from them
as versions."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.terms.rules.advance_bounds import PAYERS_MIN

ORDERS_MAX: Final = 50_000  # comparable ones of a week, the newest
WEEKS_MAX: Final = 104


@MERCHANT.statement(
    "SELECT asset FROM exposure_limits WHERE merchant_id = $1 AND limit_units > 0 ORDER BY 1"
)
async def assets_advanced(db: Read, merchant_id: UUID) -> list[str]:
    """Currencies in which anything may be advanced."""


@MERCHANT.statement(
    "SELECT placed_at FROM order_heads WHERE merchant_id = $1 ORDER BY placed_at LIMIT 1"
)
async def first_placed(db: Read, merchant_id: UUID) -> datetime | None:
    """Time at which the merchant's first order came."""


@MERCHANT.statement("SELECT max(begins) FROM advance_weeks WHERE merchant_id = $1 AND asset = $2")
async def newest_week(db: Read, merchant_id: UUID, asset: str) -> date | None:
    """The newest week that is kept; None: none is."""


class AdvanceOutcome(Row):
    """`units`: of it was to be collected. `chance`: the model's, None where no model was at
    hand."""

    order_id: UUID
    payer: int
    units: int
    state: str
    chance: float | None
    reading: dict[str, Any]
    occasion: str
    policy: str


@MERCHANT.statement("""
SELECT a.order_id, hashtextextended(coalesce(a.payer_id, a.pan_id)::text, 0) AS payer,
  (a.units - n.netted)::bigint AS units, a.state, (d.arm ->> 'chance')::float8 AS chance,
  d.features -> 'reading' AS reading, d.features ->> 'occasion' AS occasion, a.policy
FROM (
  SELECT * FROM advances
  WHERE merchant_id = $1 AND asset = $2 AND started_at >= $3 AND started_at < $4 AND order_id > $5
  ORDER BY order_id LIMIT $6
) a
JOIN order_log l ON l.merchant_id = a.merchant_id AND l.order_id = a.order_id
  AND l.happening = 'advanced'
JOIN decisions d ON d.merchant_id = l.merchant_id AND d.decision_id = l.decision_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum((r.body ->> 'units')::bigint), 0)::bigint AS netted FROM order_log r
  WHERE r.merchant_id = a.merchant_id AND r.order_id = a.order_id AND r.happening = 'refund_netted'
) n
ORDER BY a.order_id
""")
async def advance_outcomes(
    db: Read, merchant_id: UUID, asset: str, begin: datetime, end: datetime, after: UUID, limit: int
) -> list[AdvanceOutcome]:
    """Outcomes of advances that began in that time, by id, from the first one behind `after`."""


class ComparableCell(Row):
    tenth: int
    orders: int
    units: Decimal
    lost_units: Decimal
    payers: list[int]


# Subscription payments that the schedule tried again: the chance foreseen is that of its own tries,
# and only what these brought counts, within the thirty days that an advance has.
@MERCHANT.statement(f"""
SELECT least(9, floor(g.chance * 10))::int AS tenth, count(*)::int AS orders,
  sum(o.units)::numeric AS units,
  coalesce(sum(o.units) FILTER (WHERE r.collected IS NULL), 0)::numeric AS lost_units,
  (array_agg(DISTINCT hashtextextended(coalesce(p.payer_id, o.pan_id, o.order_id)::text,
    0)))[1:{PAYERS_MIN}] AS payers
FROM (
  SELECT order_id, placed_at FROM order_heads
  WHERE merchant_id = $1 AND placed_at >= $3 AND placed_at < $4 AND order_type = 'MIT'
  ORDER BY placed_at DESC LIMIT {ORDERS_MAX}
) h
JOIN orders o ON o.merchant_id = $1 AND o.order_id = h.order_id AND o.asset = $2
  AND o.kind = 'mit_managed'
  AND o.arm IN ('ladder', 'holdout', 'shadow')
LEFT JOIN order_payer p ON p.merchant_id = $1 AND p.order_id = h.order_id
CROSS JOIN LATERAL (
  SELECT (d.arm ->> 'chance')::float8 AS chance FROM order_log l
  JOIN decisions d ON d.merchant_id = l.merchant_id AND d.decision_id = l.decision_id
  WHERE l.merchant_id = $1 AND l.order_id = h.order_id AND d.arm ->> 'chance' IS NOT NULL
    ORDER BY l.seq LIMIT 1
) g
LEFT JOIN LATERAL (
  SELECT true AS collected FROM order_log l
  WHERE l.merchant_id = $1 AND l.order_id = h.order_id AND l.happening = 'collected'
    AND coalesce(l.body ->> 'by', 'retry') = 'retry' AND l.business_at < h.placed_at + interval
      '30 days' LIMIT 1
) r ON true
GROUP BY 1 ORDER BY 1
""")
async def comparable_cells(
    db: Read, merchant_id: UUID, asset: str, begin: datetime, end: datetime
) -> list[ComparableCell]:
    """Counts of comparable orders that came in that time, by tenth of their chance."""


@MERCHANT.statement(
    "INSERT INTO advance_weeks (merchant_id, asset, begins, cells) VALUES ($1, $2, $3, $4) ON "
    "CONFLICT DO NOTHING"
)
async def keep_week(db: Tx, merchant_id: UUID, asset: str, begins: date, cells: list[Any]) -> None:
    """Keeps a week, once; a week that is kept does not change any more."""


class WeekRow(Row):
    begins: date
    cells: list[dict[str, Any]]


@MERCHANT.statement(f"""
SELECT begins, cells FROM (
  SELECT begins, cells FROM advance_weeks WHERE merchant_id = $1 AND asset = $2 AND begins < $3
  ORDER BY begins DESC LIMIT {WEEKS_MAX}
) w ORDER BY begins
""")
async def kept_weeks(db: Read, merchant_id: UUID, asset: str, until: date) -> list[WeekRow]:
    """The newest ones before `until`, in their order."""


class BoundsRow(Row):
    version: int
    made_on: date
    until: date
    tables: dict[str, Any]


@MERCHANT.statement("""
SELECT version, made_on, until, tables FROM advance_bounds WHERE merchant_id = $1 AND asset = $2
ORDER BY version DESC LIMIT 1
""")
async def newest_bounds(db: Read, merchant_id: UUID, asset: str) -> BoundsRow | None:
    """The newest bounds; None: no order has had its time yet."""


@MERCHANT.statement("""
INSERT INTO advance_bounds (merchant_id, asset, version, made_on, until, tables)
  VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
""")
async def keep_bounds(
    db: Tx,
    merchant_id: UUID,
    asset: str,
    version: int,
    made_on: date,
    until: date,
    tables: dict[str, Any],
) -> None:
    """A further version; of two at once the first."""
