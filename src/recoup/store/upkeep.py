"""Upkeep of one world's database, as the owner of its schema: partitions ahead, retention behind."""

from datetime import datetime
from typing import Final

from recoup.store.connect import connect
from recoup.store.partitions import ensure_partitions
from recoup.store.retention import retain
from recoup.store.roles import owns_schema

LOCK_TIMEOUT_SECONDS: Final = 3  # a table in use is waited for so long: who comes behind is held up meanwhile


async def may_keep_up(dsn: str) -> bool:
    """Whether this log-in owns the schema."""
    connection = await connect(dsn)
    try:
        return await owns_schema(connection)
    finally:
        await connection.close()


async def keep_up(owner_dsn: str, now: datetime) -> int:
    """Answers how much was dropped; a table that stays in use ends it, and the next upkeep goes on.

    Raises: asyncpg.LockNotAvailableError, and what else the database does.
    """
    settings = {"lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s", "application_name": "recoup-upkeep"}
    connection = await connect(owner_dsn, **settings)
    try:
        await ensure_partitions(connection, now)
        return await retain(connection, now)
    finally:
        await connection.close()
