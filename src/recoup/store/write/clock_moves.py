"""A move of a sandbox merchant's clock: noted before it begins, and when it is done."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Row, Tx, statement
from recoup.store.table import insert_of, stored


@stored("clock_moves")
class ClockMove(Row, frozen=True):
    merchant_id: UUID
    move_id: UUID
    requested_at: datetime
    actor: str
    request_id: str
    from_at: datetime
    target_at: datetime


@statement(MERCHANT, f"{insert_of(ClockMove)} ON CONFLICT DO NOTHING RETURNING true")
async def _begin_moves(db: Tx, rows: Sequence[ClockMove]) -> bool: ...


async def begin_move(db: Tx, row: ClockMove) -> bool:
    """False for one that came before."""
    return await _begin_moves(db, [row])


@statement(MERCHANT, "UPDATE clock_moves SET reached_at = $3 WHERE merchant_id = $1 AND move_id = $2")
async def end_move(db: Tx, merchant_id: UUID, move_id: UUID, reached_at: datetime) -> None:
    """It is there."""
