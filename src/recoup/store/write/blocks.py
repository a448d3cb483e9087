"""Blocks. Whoever writes here has raised the merchant's version first, and so holds its row."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

_COUNT: Final = "SELECT count(*) FROM blocks WHERE merchant_id = $1 AND lifted_at IS NULL"
_BLOCK: Final = """
INSERT INTO blocks (merchant_id, block_id, kind, subject_id, reason, order_id, actor, business_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (merchant_id, kind, subject_id) WHERE lifted_at IS NULL DO NOTHING RETURNING block_id
"""
_LIFT: Final = """
UPDATE blocks SET lifted_by = $3, lifted_at = $4 WHERE merchant_id = $1 AND block_id = $2 AND lifted_at IS NULL
RETURNING block_id
"""
_OF: Final = "SELECT kind, subject_id FROM blocks WHERE merchant_id = $1 AND block_id = $2"
_KNOWN: Final = "SELECT EXISTS (SELECT FROM blocks WHERE merchant_id = $1 AND block_id = $2)"


async def count_blocks(connection: asyncpg.Connection, merchant_id: UUID) -> int:
    """Those that stand."""
    count: int = await connection.fetchval(_COUNT, merchant_id)
    return count


async def insert_block(
    connection: asyncpg.Connection, merchant_id: UUID, block_id: UUID, kind: str, subject_id: UUID, reason: str,
    order_id: UUID | None, actor: str, business_at: datetime,
) -> bool:  # fmt: skip
    """False when it is blocked already."""
    made = await connection.fetchval(
        _BLOCK, merchant_id, block_id, kind, subject_id, reason, order_id, actor, business_at
    )
    return made is not None


async def lift_block(
    connection: asyncpg.Connection, merchant_id: UUID, block_id: UUID, actor: str, at: datetime
) -> bool | None:
    """False when it was lifted before, None when there is no such block."""
    if await connection.fetchval(_LIFT, merchant_id, block_id, actor, at) is not None:
        return True
    return False if await connection.fetchval(_KNOWN, merchant_id, block_id) else None


async def block_of(connection: asyncpg.Connection, merchant_id: UUID, block_id: UUID) -> tuple[str, UUID]:
    """The kind and the subject of one that there is."""
    row = await connection.fetchrow(_OF, merchant_id, block_id)
    return row["kind"], row["subject_id"]
