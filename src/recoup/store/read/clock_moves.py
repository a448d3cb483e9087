"""Moves of a sandbox merchant's clock."""

from datetime import datetime
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement


class ClockMove(Row, frozen=True):
    """Business times, but for `requested_at`. `reached_at`: None while it is under way, or did not get there."""

    move_id: UUID
    requested_at: datetime
    actor: str
    from_at: datetime
    target_at: datetime
    reached_at: datetime | None


@statement(
    MERCHANT,
    """
SELECT move_id, requested_at, actor, from_at, target_at, reached_at FROM clock_moves
WHERE merchant_id = $1 ORDER BY move_id DESC LIMIT $2
""",
)
async def last_moves(db: Read, merchant_id: UUID, limit: int) -> list[ClockMove]:
    """Newest first."""
