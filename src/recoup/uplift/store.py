"""Uplift of a merchant, as it was computed each time; the orders of the engine's arm and of the
comparison group with what became of them in their window, and declined subscription payments by
what they have in common.

The window of an order without an expiry is thirty days, whatever became of it: one that ended with
the order would count successes before failures.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from recoup.db.known import known_at
from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.uplift.rules.cohorts import CohortCount


class UpliftRow(Row, frozen=True):
    """A computed uplift report. `until`: the merchant's business time of the last look. `report`:
    as `uplift/rules/report.py` makes it."""

    made_at: datetime
    until: datetime
    report: dict[str, Any]


async def claim_uplift(
    db: Tx, wall: datetime, lease: timedelta, limit: int, merchant_id: UUID | None
) -> list[UUID]:
    """Merchants that are due, the longest first; None: of all."""
    await _begin_uplift(db, limit, merchant_id)
    return await _claim_uplift(db, wall, lease, limit, merchant_id)


@MERCHANT.statement("""
WITH missing AS MATERIALIZED (
  SELECT m.merchant_id FROM merchants m
  WHERE NOT EXISTS (SELECT 1 FROM uplift_reports r WHERE r.merchant_id = m.merchant_id)
    AND ($2::uuid IS NULL OR m.merchant_id = $2)
  ORDER BY m.merchant_id LIMIT $1
)
INSERT INTO uplift_reports (merchant_id, due_at) SELECT merchant_id, 'epoch' FROM missing
ON CONFLICT DO NOTHING
""")
async def _begin_uplift(db: Tx, limit: int, merchant_id: UUID | None) -> None: ...


# A worker that takes a merchant has taken it until the lease is over; of two at once the second
# finds it taken.
@MERCHANT.statement("""
UPDATE uplift_reports SET due_at = $1::timestamptz + $2::interval WHERE merchant_id IN (
  SELECT merchant_id FROM uplift_reports
  WHERE due_at <= $1 AND ($4::uuid IS NULL OR merchant_id = $4)
  ORDER BY due_at, merchant_id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING merchant_id
""")
async def _claim_uplift(
    db: Tx, wall: datetime, lease: timedelta, limit: int, merchant_id: UUID | None
) -> list[UUID]: ...


@MERCHANT.statement("""
INSERT INTO uplift_history (merchant_id, business_at, recorded_at, made_at, until, report)
VALUES ($1, $2, $3, $4, $5, $6)
""")
async def save_uplift(
    db: Tx,
    merchant_id: UUID,
    business_at: datetime,
    recorded_at: datetime,
    made_at: datetime,
    until: datetime,
    report: dict[str, Any],
) -> None:
    """Saves the report, which stands from now on."""


@MERCHANT.statement("UPDATE uplift_reports SET due_at = $2 WHERE merchant_id = $1")
async def postpone_uplift(db: Tx, merchant_id: UUID, due_at: datetime) -> None:
    """Sets when the report is computed next."""


@MERCHANT.statement(f"""
SELECT made_at, until, report FROM uplift_history u WHERE merchant_id = $1 AND {known_at("u", 2)}
ORDER BY recorded_at DESC, business_at DESC LIMIT 1
""")
async def uplift_report(
    db: Read, merchant_id: UUID, business: datetime, recorded: datetime
) -> UpliftRow | None:
    """The report; None: it had not been computed."""


class EngineReturn(Row, frozen=True):
    """Setting of the engine's return. `on_harm`: the engine stops by itself once it is shown to do
    harm."""

    on_harm: bool
    recorded_at: datetime
    changed_by: str


@MERCHANT.statement(f"""
SELECT on_harm, recorded_at, changed_by FROM engine_returns r WHERE merchant_id = $1
  AND {known_at("r", 2)}
ORDER BY recorded_at DESC, business_at DESC LIMIT 1
""")
async def engine_return(
    db: Read, merchant_id: UUID, business: datetime, recorded: datetime
) -> EngineReturn | None:
    """The setting; None: not set yet, so off."""


@MERCHANT.statement("""
WITH last AS MATERIALIZED (
  SELECT on_harm FROM engine_returns WHERE merchant_id = $1
  ORDER BY recorded_at DESC, business_at DESC LIMIT 1
)
INSERT INTO engine_returns (merchant_id, on_harm, business_at, recorded_at, changed_by)
SELECT $1, $2::boolean, $3, $4, $5 WHERE $2 IS DISTINCT FROM (SELECT on_harm FROM last)
RETURNING true
""")
async def set_engine_return(
    db: Tx, merchant_id: UUID, on_harm: bool, business_at: datetime, recorded_at: datetime, by: str
) -> bool | None:
    """Sets whether the engine stops on harm; None: it stood so already."""


class ArmOrder(Row):
    """An order with an arm. `who`: the payer by whom that was chosen, or the card where no payer is
    known."""

    order_id: UUID
    site_id: UUID
    campaign_id: UUID | None
    who: UUID
    arm: str
    declined_at: datetime
    units: Decimal
    asset: str


class ComparedRow(ArmOrder):
    """An order to compare. `holdout`, `engine`: percent of payers, when it came in. `chance`:
    foreseen at the first decision, None where no model was there. `closed_at`: when its window
    closes. `sends`: attempts that were made."""

    holdout: int
    engine: int
    closed_at: datetime
    chance: float | None
    rescued_at: datetime | None
    by: str | None
    sends: int
    disputed: bool
    card: UUID | None


@MERCHANT.statement("""
SELECT o.order_id, h.site_id, h.campaign_id, coalesce(p.payer_id, o.pan_id, o.token_id,
  o.order_id) AS who, o.arm,
  o.placed_at AS declined_at, o.units::numeric AS units, o.asset, s.holdout::int AS holdout,
  coalesce(o.arm_share, s.share)::int AS engine, o.closed_at, g.chance, r.rescued_at, r.by,
    h.attempts AS sends,
  h.disputed, o.pan_id AS card
FROM (
  SELECT o.*, coalesce(o.expires_at, o.placed_at + interval '30 days') AS closed_at FROM orders o
  WHERE o.merchant_id = $1 AND o.order_id > $2 AND o.arm IN ('engine', 'holdout', 'ladder')
    AND o.kind IN ('mit_managed', 'mit_sync')
  ORDER BY o.order_id LIMIT $3
) o
JOIN order_heads h ON h.merchant_id = o.merchant_id AND h.order_id = o.order_id
JOIN arm_settings s ON s.merchant_id = o.merchant_id AND s.version = o.arm_version
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
LEFT JOIN LATERAL (
  SELECT (d.arm ->> 'chance')::float8 AS chance FROM order_log l
  JOIN decisions d ON d.merchant_id = l.merchant_id AND d.decision_id = l.decision_id
  WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND d.arm ->> 'chance' IS NOT NULL
    AND o.arm <> 'ladder'
  ORDER BY l.seq LIMIT 1
) g ON true
LEFT JOIN LATERAL (
  SELECT l.business_at AS rescued_at, CASE WHEN l.happening IN ('paid_elsewhere',
    'parts_kept') THEN 'paid_elsewhere'
    ELSE coalesce(l.body ->> 'by', 'retry') END AS by
  FROM order_log l
  WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND l.business_at <= o.closed_at
    AND o.arm <> 'ladder'
    AND (l.happening IN ('collected', 'captured', 'capture_ended', 'paid_elsewhere')
      OR l.happening = 'parts_kept' AND l.body ? 'transmit_id')
  ORDER BY l.seq LIMIT 1
) r ON true
ORDER BY o.order_id
""")
async def compared_orders(
    db: Read, merchant_id: UUID, after: UUID, limit: int
) -> list[ComparedRow]:
    """Orders to compare by id, from the first one behind `after`."""


SECONDS: Final = 600.0
ORDERS_MAX: Final = 50_000  # of a week, the newest


# An order without an expiry has a window of thirty days, whatever becomes of it.
@MERCHANT.within(SECONDS).statement(f"""
SELECT (w.begin AT TIME ZONE 'UTC')::date AS week, h.site_id, h.campaign_id, h.asset, r.day,
  h.closes_at <= $4 AS closed, count(*)::int AS orders, sum(h.units)::bigint AS units
FROM generate_series(0, $3::int - 1) AS n (week)
CROSS JOIN LATERAL (SELECT $2::timestamptz + n.week * interval '168 hours' AS begin) w
CROSS JOIN LATERAL (
  SELECT order_id, site_id, campaign_id, asset, units, placed_at, status, reason,
    coalesce(expires_at, placed_at + interval '30 days') AS closes_at
  FROM order_heads
  WHERE merchant_id = $1 AND placed_at >= w.begin AND placed_at < w.begin + interval '168 hours'
    AND order_type = 'MIT'
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
async def cohort_counts(
    db: Read, merchant_id: UUID, first: datetime, weeks: int, now: datetime
) -> list[CohortCount]:
    """Placed in so many weeks from `first` on; `now`: business time."""


@MERCHANT.statement(
    "SELECT EXISTS (SELECT FROM order_heads WHERE merchant_id = $1 AND placed_at >= $2 AND "
    "order_type = 'MIT')"
)
async def has_orders(db: Read, merchant_id: UUID, since: datetime) -> bool:
    """Subscription payments that were declined since then."""


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM order_heads WHERE merchant_id = $1 AND expires_at > $3
  AND expires_at <= $4
    AND order_type = 'MIT')
  OR EXISTS (SELECT FROM order_heads WHERE merchant_id = $1 AND order_type = 'MIT'
    AND expires_at IS NULL
    AND placed_at > greatest($2::timestamptz, $3::timestamptz - interval '30 days')
    AND placed_at <= $4::timestamptz - interval '30 days')
""")
async def has_closed(
    db: Read, merchant_id: UUID, since: datetime, after: datetime, until: datetime
) -> bool:
    """True when a window closed behind `after`, up to `until`, of an order that was placed since
    `since`."""


@MERCHANT.statement("SELECT announced FROM uplift_reports WHERE merchant_id = $1 FOR UPDATE")
async def lock_uplift(db: Tx, merchant_id: UUID) -> str | None:
    """The finding that the merchant's people heard of last."""


@MERCHANT.statement("UPDATE uplift_reports SET announced = $2 WHERE merchant_id = $1")
async def save_announced(db: Tx, merchant_id: UUID, announced: str) -> None: ...
