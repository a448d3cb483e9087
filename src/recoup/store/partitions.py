"""Monthly partitions of the append-only tables, made ahead of time by the owner. Keys are UUIDv7, so that an id's
first 48 bits are its month."""

from datetime import UTC, datetime
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


def _bound(year: int, month: int) -> UUID:
    return first_id_of(datetime(year, month, 1, tzinfo=UTC))


def _next(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == 12 else (year, month + 1)


async def ensure_partitions(connection: asyncpg.Connection, now: datetime, *, ahead: int = 3) -> None:
    """Makes this month's and the next partitions; everything older than the first falls into `_first`."""
    for table in PARTITIONED:
        year, month = now.year, now.month
        have = {
            r["relname"]
            for r in await connection.fetch(
                "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
                " WHERE i.inhparent = $1::regclass",
                table,
            )
        }
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
