"""Upkeep of one world's database, as the owner of its schema: partitions ahead, retention
behind."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import asyncpg

from recoup.db.connect import connect
from recoup.db.partitions import (
    DAILY,
    PARTITIONED,
    RETENTION_MONTHS,
    ensure_partitions,
    partitions_of,
)
from recoup.db.roles import owns_schema
from recoup.db.statement import FIRST_CELL, Tx
from recoup.kernel.feature import Place

BATCH: Final = 5_000


class Retention(NamedTuple):
    """`forget` deletes at most so many rows from before a moment and answers how many."""

    forget: Callable[[Tx, datetime, int], Awaitable[int]]
    kept: timedelta


RETAIN: Final = Place[Retention]("retain")


async def retain(connection: asyncpg.Connection, now: datetime) -> int:
    """Deletes what has served its time, in batches; answers how many rows and partitions."""
    gone = 0
    for forget, kept in RETAIN:
        done = BATCH
        while done == BATCH:
            done = await forget(connection, now - kept, BATCH)
            gone += done
    for table in PARTITIONED:
        months = RETENTION_MONTHS[table]
        if months is not None:
            gone += await _drop_old(connection, table, now, months)
    for table, days in DAILY.items():
        gone += await _drop_days(connection, table, now - timedelta(days=days))
    return gone


async def _drop_old(connection: asyncpg.Connection, table: str, now: datetime, months: int) -> int:
    """Partitions are named table_YYYY_MM; the first, open-ended one stays."""
    oldest = now.year * 12 + now.month - 1 - months
    old = []
    for name in await partitions_of(connection, table):
        year, _, month = name.removeprefix(f"{table}_").partition("_")
        if year.isdigit() and month.isdigit() and int(year) * 12 + int(month) - 1 < oldest:
            old.append(name)
    for name in old:
        await connection.execute(f"DROP TABLE {name}")
    return len(old)


async def _drop_days(connection: asyncpg.Connection, table: str, before: datetime) -> int:
    """Partitions are named table_YYYY_MM_DD; the first, open-ended one stays."""
    first, last = f"{table}_0", f"{table}_{before.astimezone(UTC):%Y_%m_%d}"
    old = [name for name in await partitions_of(connection, table) if first < name < last]
    for name in old:
        await connection.execute(f"DROP TABLE IF EXISTS {name}")
    return len(old)


LOCK_TIMEOUT_SECONDS: Final = (
    3  # a table in use is waited for so long: who comes behind is held up meanwhile
)


async def may_keep_up(dsn: str) -> bool:
    """True when this log-in owns the schema."""
    connection = await connect(dsn)
    try:
        return await owns_schema(connection)
    finally:
        await connection.close()


async def keep_up(owner_dsn: str, now: datetime, cell: int = FIRST_CELL) -> int:
    """Keeps up a cell and the other homes. Answers how much was dropped; a table that stays in use
    ends it, and the next upkeep goes on.

    Raises: asyncpg.LockNotAvailableError, and what else the database does.
    """
    settings = {"lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s", "application_name": "recoup-upkeep"}
    connection = await connect(owner_dsn, cell, **settings)
    try:
        await ensure_partitions(connection, now)
        return await retain(connection, now)
    finally:
        await connection.close()
