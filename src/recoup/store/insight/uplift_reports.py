"""What the engine brings a merchant, as it was computed each time; when it is next, and what people heard of it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.money.known import known_at
from recoup.store.statement import Read, Row, Tx


class UpliftRow(Row, frozen=True):
    """`until`: the merchant's business time of the last look. `report`: as `rules/uplift/report.py` makes it."""

    made_at: datetime
    until: datetime
    report: dict[str, Any]


# A worker that takes a merchant has taken it until the lease is over; of two at once the second finds it taken.
@MERCHANT.statement("""
INSERT INTO uplift_reports AS u (merchant_id, due_at)
SELECT m.merchant_id, $1::timestamptz + $2::interval FROM merchants m LEFT JOIN uplift_reports r USING (merchant_id)
WHERE (r.due_at IS NULL OR r.due_at <= $1) AND ($4::uuid IS NULL OR m.merchant_id = $4)
ORDER BY r.due_at NULLS FIRST, m.merchant_id LIMIT $3
ON CONFLICT (merchant_id) DO UPDATE SET due_at = excluded.due_at WHERE u.due_at <= $1
RETURNING merchant_id
""")
async def claim_uplift(db: Tx, wall: datetime, lease: timedelta, limit: int, merchant_id: UUID | None) -> list[UUID]:
    """Merchants that are due, the longest first; None: of all."""


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
    """It stands from now on."""


@MERCHANT.statement("UPDATE uplift_reports SET due_at = $2 WHERE merchant_id = $1")
async def postpone_uplift(db: Tx, merchant_id: UUID, due_at: datetime) -> None:
    """When it is computed next."""


@MERCHANT.statement(f"""
SELECT made_at, until, report FROM uplift_history u WHERE merchant_id = $1 AND {known_at("u", 2)}
ORDER BY recorded_at DESC, business_at DESC LIMIT 1
""")
async def uplift_report(db: Read, merchant_id: UUID, business: datetime, recorded: datetime) -> UpliftRow | None:
    """None: it had not been computed."""


@MERCHANT.statement("SELECT announced FROM uplift_reports WHERE merchant_id = $1 FOR UPDATE")
async def lock_uplift(db: Tx, merchant_id: UUID) -> str | None:
    """The finding that the merchant's people heard of last."""


@MERCHANT.statement("UPDATE uplift_reports SET announced = $2 WHERE merchant_id = $1")
async def save_announced(db: Tx, merchant_id: UUID, announced: str) -> None: ...


class EngineReturn(Row, frozen=True):
    """`on_harm`: the engine stops by itself once it is shown to do harm."""

    on_harm: bool
    recorded_at: datetime
    changed_by: str


@MERCHANT.statement(f"""
SELECT on_harm, recorded_at, changed_by FROM engine_returns r WHERE merchant_id = $1 AND {known_at("r", 2)}
ORDER BY recorded_at DESC, business_at DESC LIMIT 1
""")
async def engine_return(db: Read, merchant_id: UUID, business: datetime, recorded: datetime) -> EngineReturn | None:
    """None: not set yet, so off."""


@MERCHANT.statement("""
INSERT INTO engine_returns (merchant_id, on_harm, business_at, recorded_at, changed_by)
SELECT $1, $2::boolean, $3, $4, $5 WHERE $2 IS DISTINCT FROM (SELECT r.on_harm FROM engine_returns r
  WHERE r.merchant_id = $1 ORDER BY r.recorded_at DESC, r.business_at DESC LIMIT 1)
RETURNING true
""")
async def set_engine_return(
    db: Tx, merchant_id: UUID, on_harm: bool, business_at: datetime, recorded_at: datetime, by: str
) -> bool | None:
    """None: it stood so already."""
