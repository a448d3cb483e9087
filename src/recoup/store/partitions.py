"""Monthly and daily partitions of the append-only tables, made ahead of time by the owner. Keys are UUIDv7, so that
an id's first 48 bits are its moment."""

from collections.abc import Iterator, Mapping
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
    """Makes this month's and the next partitions, of daily tables this week's; everything older than the first falls
    into `_first`. Processes that start at once make them one after the other."""
    for table in PARTITIONED:
        await _make(connection, table, dict(_months(table, now, ahead)))
    for table in DAILY:
        await _make(connection, table, dict(_days(table, now)))


def _months(table: str, now: datetime, ahead: int) -> Iterator[tuple[str, tuple[UUID, UUID]]]:
    year, month = now.year, now.month
    for _ in range(ahead + 1):
        after = _next(year, month)
        yield f"{table}_{year:04d}_{month:02d}", (_bound(year, month), _bound(*after))
        year, month = after


def _days(table: str, now: datetime) -> Iterator[tuple[str, tuple[UUID, UUID]]]:
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for day in (today + timedelta(days=n) for n in range(DAYS_AHEAD + 1)):
        yield f"{table}_{day:%Y_%m_%d}", (first_id_of(day), first_id_of(day + timedelta(days=1)))


async def _make(connection: asyncpg.Connection, table: str, wanted: Mapping[str, tuple[UUID, UUID]]) -> None:
    """`wanted`: name -> from which id on, before which. The table is locked only when one is missing."""
    if set(wanted) <= await partitions_of(connection, table):
        return
    async with connection.transaction():
        await connection.execute(f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
        have = await partitions_of(connection, table)
        if not have:
            wanted = {f"{table}_first": (UUID(int=0), min(low for low, _ in wanted.values())), **wanted}
        for name, (low, high) in wanted.items():
            if name not in have:
                await connection.execute(
                    f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM ('{low}') TO ('{high}')"
                )


async def partitions_of(connection: asyncpg.Connection, table: str) -> set[str]:
    """Their names."""
    rows = await connection.fetch(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass",
        table,
    )
    return {row["relname"] for row in rows}
