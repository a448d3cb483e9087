"""Moves of a sandbox merchant's clock: noted before each begins, and when it is done."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.db.table import insert_of, stored


class _Move(Row):
    move_id: UUID
    requested_at: datetime
    actor: str
    from_at: datetime
    target_at: datetime


class ClockMove(_Move):
    """Business times, but for `requested_at`. `reached_at`: None while it is under way, or did not
    get there."""

    reached_at: datetime | None


@MERCHANT.statement("""
SELECT move_id, requested_at, actor, from_at, target_at, reached_at FROM clock_moves
WHERE merchant_id = $1 ORDER BY move_id DESC LIMIT $2
""")
async def last_moves(db: Read, merchant_id: UUID, limit: int) -> list[ClockMove]:
    """Newest first."""


# When merchant m was made, or its first order or posting where its clock was set back.
BEGAN: Final = """least(m.created_at, (SELECT min(placed_at) FROM order_heads h
  WHERE h.merchant_id = m.merchant_id),
  (SELECT min(business_at) FROM postings p WHERE p.merchant_id = m.merchant_id))"""
# When merchant m became the partner's, by its own clock.
JOINED: Final = f"o.created_at - (m.created_at - {BEGAN})"


class Clock(Row, frozen=True):
    """`created_at`: wall time. `offset_us`: microseconds from wall to business time. `began_at`:
    business time."""

    created_at: datetime
    offset_us: int
    began_at: datetime


@MERCHANT.statement(
    f"SELECT created_at, offset_us, {BEGAN} AS began_at FROM merchants m WHERE merchant_id = $1"
)
async def clock_of(db: Read, merchant_id: UUID) -> Clock | None:
    """Clock of a merchant; None where there is no such merchant."""


class PartnerClock(Row, frozen=True):
    """A `Clock`; `offset_us` None: of no merchant."""

    created_at: datetime
    offset_us: int | None
    began_at: datetime


@MERCHANT.statement(f"""
SELECT CASE WHEN $2::uuid IS NULL THEN p.created_at ELSE min(o.created_at) END AS created_at,
  min(m.offset_us) AS offset_us,
  CASE WHEN $2::uuid IS NULL THEN least(p.created_at, min({JOINED}))
    ELSE min({JOINED}) END AS began_at
FROM partners p
LEFT JOIN partner_merchants o ON o.partner_id = p.partner_id AND ($2::uuid IS NULL
  OR o.merchant_id = $2)
LEFT JOIN merchants m ON m.merchant_id = o.merchant_id
WHERE p.partner_id = $1 AND ($2::uuid IS NULL OR m.merchant_id IS NOT NULL)
GROUP BY p.created_at
""")
async def partner_clock(db: Read, partner_id: UUID, only: UUID | None) -> PartnerClock | None:
    """The first beginning of its merchants in this cell, and the clock that is furthest behind.
    None: not the partner's, or of another cell."""


@stored("clock_moves")
class NewClockMove(_Move):
    merchant_id: UUID
    request_id: str


@MERCHANT.statement(f"{insert_of(NewClockMove, single=True)} ON CONFLICT DO NOTHING RETURNING true")
async def begin_move(db: Tx, row: NewClockMove) -> bool:
    """Begins a move; False for one that came before."""


@MERCHANT.statement(
    "UPDATE clock_moves SET reached_at = $3 WHERE merchant_id = $1 AND move_id = $2"
)
async def end_move(db: Tx, merchant_id: UUID, move_id: UUID, reached_at: datetime) -> None:
    """Ends a move: the clock is there."""
