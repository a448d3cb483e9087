"""Monthly partitions of the append-only tables, made ahead of time by the owner. Keys are UUIDv7, so that an id's
first 48 bits are its month."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from recoup.kernel.ids import first_id_of

PARTITIONED: Final = ("order_log", "decisions", "outbox", "delivery_tries", "transmissions")
# What happens to old partitions. Business records are kept; logs of machinery are not. The outbox is partitioned by
# its order's id: an order may have events for as long as it can be refunded or disputed.
RETENTION_MONTHS: Final = {
    "order_log": None, "decisions": None, "outbox": None, "delivery_tries": 3, "transmissions": 25,
}  # fmt: skip

# By day, for what many write and nobody needs for long: table -> days kept.
DAILY: Final = {"api_calls": 14}
DAYS_AHEAD: Final = 7


def _bound(year: int, month: int) -> UUID:
    return first_id_of(datetime(year, month, 1, tzinfo=UTC))


def _next(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == 12 else (year, month + 1)


async def ensure_partitions(connection: asyncpg.Connection, now: datetime, *, ahead: int = 3) -> None:
    """Makes this month's and the next partitions; everything older than the first falls into `_first`."""
    for table in PARTITIONED:
        year, month = now.year, now.month
        have = await partitions_of(connection, table)
        if not have:
            low = UUID(int=0)
            await connection.execute(
                f"CREATE TABLE {table}_first PARTITION OF {table}"
                f" FOR VALUES FROM ('{low}') TO ('{_bound(year, month)}')"
            )
        for _ in range(ahead + 1):
            name = f"{table}_{year:04d}_{month:02d}"
            after = _next(year, month)
            if name not in have:
                await connection.execute(
                    f"CREATE TABLE {name} PARTITION OF {table}"
                    f" FOR VALUES FROM ('{_bound(year, month)}') TO ('{_bound(*after)}')"
                )
            year, month = after
    for table in DAILY:
        await _ensure_days(connection, table, now)


async def _ensure_days(connection: asyncpg.Connection, table: str, now: datetime) -> None:
    """Of today and the week to come; everything older than the first falls into `_first`."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    have = await partitions_of(connection, table)
    if not have:
        await connection.execute(
            f"CREATE TABLE {table}_first PARTITION OF {table}"
            f" FOR VALUES FROM ('{UUID(int=0)}') TO ('{first_id_of(today)}')"
        )
    for day in (today + timedelta(days=n) for n in range(DAYS_AHEAD + 1)):
        name = f"{table}_{day:%Y_%m_%d}"
        if name not in have:
            await connection.execute(
                f"CREATE TABLE {name} PARTITION OF {table}"
                f" FOR VALUES FROM ('{first_id_of(day)}') TO ('{first_id_of(day + timedelta(days=1))}')"
            )


async def partitions_of(connection: asyncpg.Connection, table: str) -> set[str]:
    rows = await connection.fetch(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass",
        table,
    )
    return {row["relname"] for row in rows}
