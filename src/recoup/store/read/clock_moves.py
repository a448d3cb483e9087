"""Moves of a sandbox merchant's clock."""

from uuid import UUID

import asyncpg

_LAST = """
SELECT move_id, asked_at, actor, from_at, target_at, reached_at FROM clock_moves
WHERE merchant_id = $1 ORDER BY move_id DESC LIMIT $2
"""


async def last_moves(connection: asyncpg.Connection, merchant_id: UUID, limit: int) -> list[asyncpg.Record]:
    """Newest first."""
    return await connection.fetch(_LAST, merchant_id, limit)  # type: ignore[no-any-return]
