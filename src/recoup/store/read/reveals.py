"""Whose data somebody sees in the clear for a while."""

from datetime import datetime
from uuid import UUID

import asyncpg


async def revealed_until(
    connection: asyncpg.Connection, merchant_id: UUID, user_id: UUID, subject_id: UUID, wall: datetime
) -> datetime | None:
    """None for what they have not revealed, or whose time is over."""
    sql = "SELECT until FROM reveals WHERE merchant_id = $1 AND user_id = $2 AND subject_id = $3 AND until > $4"
    found: datetime | None = await connection.fetchval(sql, merchant_id, user_id, subject_id, wall)
    return found
