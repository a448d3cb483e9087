"""What the engine brings a merchant, as last computed; when it is computed again, and what people heard of it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, Tx, statement


class UpliftRow(Row, frozen=True):
    """`until`: the merchant's business time of the last look. `report`: as `rules/uplift/report.py` makes it."""

    made_at: datetime
    until: datetime
    report: dict[str, Any]


# A worker that takes a merchant has taken it until the lease is over; of two at once the second finds it taken.
@statement(
    MERCHANT,
    """
INSERT INTO uplift_reports AS u (merchant_id, due_at)
SELECT m.merchant_id, $1::timestamptz + $2::interval FROM merchants m LEFT JOIN uplift_reports r USING (merchant_id)
WHERE (r.due_at IS NULL OR r.due_at <= $1) AND ($4::uuid IS NULL OR m.merchant_id = $4)
ORDER BY r.due_at NULLS FIRST, m.merchant_id LIMIT $3
ON CONFLICT (merchant_id) DO UPDATE SET due_at = excluded.due_at WHERE u.due_at <= $1
RETURNING merchant_id
""",
)
async def claim_uplift(db: Tx, wall: datetime, lease: timedelta, limit: int, merchant_id: UUID | None) -> list[UUID]:
    """Merchants that are due, the longest first; None: of all."""


@statement(
    MERCHANT,
    """
UPDATE uplift_reports SET made_at = $2, until = $3, report = $4, due_at = $5 WHERE merchant_id = $1
""",
)
async def save_uplift(
    db: Tx, merchant_id: UUID, made_at: datetime, until: datetime, report: dict[str, Any], due_at: datetime
) -> None: ...


@statement(MERCHANT, "UPDATE uplift_reports SET due_at = $2 WHERE merchant_id = $1")
async def postpone_uplift(db: Tx, merchant_id: UUID, due_at: datetime) -> None:
    """Nothing has happened that another look would show."""


@statement(MERCHANT, "SELECT made_at, until, report FROM uplift_reports WHERE merchant_id = $1 AND report IS NOT NULL")
async def uplift_report(db: Read, merchant_id: UUID) -> UpliftRow | None:
    """None: it was never computed."""


@statement(MERCHANT, "SELECT announced FROM uplift_reports WHERE merchant_id = $1 FOR UPDATE")
async def lock_uplift(db: Tx, merchant_id: UUID) -> str | None:
    """The finding that the merchant's people heard of last."""


@statement(MERCHANT, "UPDATE uplift_reports SET announced = $2 WHERE merchant_id = $1")
async def save_announced(db: Tx, merchant_id: UUID, announced: str) -> None: ...


class EngineReturn(Row, frozen=True):
    """`on_harm`: the engine stops by itself once it is shown to do harm."""

    on_harm: bool
    changed_at: datetime
    changed_by: str


@statement(MERCHANT, "SELECT on_harm, changed_at, changed_by FROM engine_returns WHERE merchant_id = $1")
async def engine_return(db: Read, merchant_id: UUID) -> EngineReturn | None:
    """None: never set, so off."""


@statement(
    MERCHANT,
    """
INSERT INTO engine_returns AS r (merchant_id, on_harm, changed_at, changed_by) VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id) DO UPDATE SET on_harm = $2, changed_at = $3, changed_by = $4 WHERE r.on_harm <> $2
RETURNING true
""",
)
async def set_engine_return(db: Tx, merchant_id: UUID, on_harm: bool, at: datetime, by: str) -> bool | None:
    """None: it stood so already."""
