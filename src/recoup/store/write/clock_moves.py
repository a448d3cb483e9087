"""A move of a sandbox merchant's clock: noted before it begins, and when it is done."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Tx, statement


@statement(
    MERCHANT,
    """
INSERT INTO clock_moves (merchant_id, move_id, asked_at, actor, request_id, from_at, target_at)
SELECT merchant_id, move_id, asked_at, actor, request_id, from_at, target_at
FROM jsonb_populate_record(NULL::clock_moves, $1)
ON CONFLICT DO NOTHING RETURNING move_id
""",
)
async def begin_move(db: Tx, row: dict[str, Any]) -> bool:
    """False for one that came before."""


@statement(MERCHANT, "UPDATE clock_moves SET reached_at = $3 WHERE merchant_id = $1 AND move_id = $2")
async def end_move(db: Tx, merchant_id: UUID, move_id: UUID, reached_at: datetime) -> None:
    """It is there."""
