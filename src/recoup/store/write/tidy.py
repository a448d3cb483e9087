"""Deletes what has served its time and is no record."""

from datetime import datetime

import asyncpg


async def forget_expired_tokens(connection: asyncpg.Connection, now: datetime) -> None:
    await connection.execute("DELETE FROM refresh_tokens WHERE expires_at < $1", now)
