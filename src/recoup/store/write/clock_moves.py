"""A move of a sandbox merchant's clock: noted before it begins, and when it is done."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

_BEGIN = """
INSERT INTO clock_moves (merchant_id, move_id, asked_at, actor, request_id, from_at, target_at)
SELECT merchant_id, move_id, asked_at, actor, request_id, from_at, target_at
FROM jsonb_populate_record(NULL::clock_moves, $1)
ON CONFLICT DO NOTHING RETURNING move_id
"""
_END = "UPDATE clock_moves SET reached_at = $3 WHERE merchant_id = $1 AND move_id = $2"


async def begin_move(connection: asyncpg.Connection, row: dict[str, Any]) -> bool:
    """False for one that came before."""
    return await connection.fetchval(_BEGIN, row) is not None


async def end_move(connection: asyncpg.Connection, merchant_id: UUID, move_id: UUID, reached_at: datetime) -> None:
    await connection.execute(_END, merchant_id, move_id, reached_at)
