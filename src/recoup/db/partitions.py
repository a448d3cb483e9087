"""Monthly and daily partitions of the append-only tables, made ahead of time by the owner. Keys are
UUIDv7, so that an id's first 48 bits are its moment.

A default partition takes what has no partition of its own, so that nobody is refused when upkeep
was late; the next upkeep moves its rows to where they belong. Rows of a table that others refer to
cannot be moved: they stay there, and the periods that they begin in get no partition.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from recoup.kernel.ids import first_id_of

# table -> the key that it is partitioned by
KEYS: Final = {
    "order_log": "order_id", "decisions": "decision_id", "outbox": "subject_id",
    "delivery_tries": "try_id",
    "transmissions": "transmit_id", "api_calls": "call_id", "export_parts": "run_id",
}  # fmt: skip
PARTITIONED: Final = ("order_log", "decisions", "outbox", "delivery_tries", "transmissions")
# What happens to old partitions. Business records are kept; logs of machinery are not. The outbox
# is partitioned by
# its order's id: an order may have events for as long as it can be refunded or disputed.
RETENTION_MONTHS: Final = {
    "order_log": None, "decisions": None, "outbox": None, "delivery_tries": 3, "transmissions": 25,
}  # fmt: skip
REFERRED_TO: Final = frozenset({"order_log"})  # foreign keys point at it

# By day, for what many write and nobody needs for long: table -> days kept.
DAILY: Final = {"api_calls": 14, "export_parts": 8}
DAYS_AHEAD: Final = 7
PERIODS_MAX: Final = 1_000  # made at once; a row of the year 3000 makes no million of them

Bounds = Mapping[str, tuple[UUID, UUID]]  # name -> from which id on, before which


def bound_of(key: UUID) -> datetime:
    """The moment that an id, or a partition's bound, stands for."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=key.int >> 80)


async def ensure_partitions(
    connection: asyncpg.Connection, now: datetime, *, ahead: int = 3
) -> None:
    """Makes this month's and the next partitions, of daily tables this week's; everything older
    than the first falls into `_first`, everything that has no partition into `_default`. Processes
    that start at once make them one after the other."""
    for table in PARTITIONED:
        until = _months_later(now, ahead)
        await _make(
            connection, table, dict(_months(table, await _since(connection, table, now), until))
        )
    for table in DAILY:
        last = now + timedelta(days=DAYS_AHEAD)
        await _make(
            connection, table, dict(_days(table, await _since(connection, table, now), last))
        )


async def _since(connection: asyncpg.Connection, table: str, now: datetime) -> datetime:
    """The current time, or the moment of the oldest row that has no partition."""
    if f"{table}_default" not in await partitions_of(connection, table):
        return now
    key = KEYS[table]
    oldest = await connection.fetchval(f"SELECT {key} FROM {table}_default ORDER BY {key} LIMIT 1")
    return min(now, bound_of(oldest)) if oldest is not None else now


def _months_later(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)


def _months(
    table: str, since: datetime, until: datetime
) -> Iterator[tuple[str, tuple[UUID, UUID]]]:
    """Months that `since` to `until` lie in."""
    for n in range(PERIODS_MAX):
        month, after = _months_later(since, n), _months_later(since, n + 1)
        if month > until:
            return
        yield f"{table}_{month:%Y_%m}", (first_id_of(month), first_id_of(after))


def _days(table: str, since: datetime, until: datetime) -> Iterator[tuple[str, tuple[UUID, UUID]]]:
    first = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for n in range(PERIODS_MAX):
        day = first + timedelta(days=n)
        if day > until:
            return
        yield f"{table}_{day:%Y_%m_%d}", (first_id_of(day), first_id_of(day + timedelta(days=1)))


async def _make(connection: asyncpg.Connection, table: str, wanted: Bounds) -> None:
    """The table is locked only when one is missing; each is made in a transaction of its own."""
    default = f"{table}_default"
    have = await partitions_of(connection, table)
    if {*wanted, default} <= have:
        return
    if not have:
        wanted = {f"{table}_first": (UUID(int=0), min(low for low, _ in wanted.values())), **wanted}
    for name, (low, high) in wanted.items():
        if name not in have:
            async with connection.transaction():
                await connection.execute(f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
                have = await partitions_of(connection, table)
                if name not in have:
                    await _make_one(connection, table, name, low, high, default in have)
    if default not in have:
        await connection.execute(
            f"CREATE TABLE IF NOT EXISTS {default} PARTITION OF {table} DEFAULT"
        )
        await connection.execute(f"GRANT SELECT ON {default} TO recoup_app, recoup_read")


async def _make_one(
    connection: asyncpg.Connection, table: str, name: str, low: UUID, high: UUID, with_default: bool
) -> None:
    bounds = f"FOR VALUES FROM ('{low}') TO ('{high}')"
    key, default = KEYS[table], f"{table}_default"
    within = f"{key} >= '{low}' AND {key} < '{high}'"
    if with_default:
        await connection.execute(f"LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE")
    if not (
        with_default
        and await connection.fetchval(f"SELECT EXISTS (SELECT FROM {default} WHERE {within})")
    ):
        await connection.execute(f"CREATE TABLE {name} PARTITION OF {table} {bounds}")
        return
    if table in REFERRED_TO:
        return
    await connection.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL EXCLUDING INDEXES)")
    columns = await _written_columns(connection, table)
    await connection.execute(
        f"WITH moved AS (DELETE FROM {default} WHERE {within} RETURNING *)"
        f" INSERT INTO {name} ({columns}) SELECT {columns} FROM moved"
    )
    await connection.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} {bounds}")


async def _written_columns(connection: asyncpg.Connection, table: str) -> str:
    """All but those that PostgreSQL computes."""
    rows = await connection.fetch(
        "SELECT quote_ident(attname) AS name FROM pg_attribute"
        " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' "
        "ORDER BY attnum",
        table,
    )
    return ", ".join(row["name"] for row in rows)


async def partitions_of(connection: asyncpg.Connection, table: str) -> set[str]:
    """Their names."""
    rows = await connection.fetch(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE "
        "i.inhparent = $1::regclass",
        table,
    )
    return {row["relname"] for row in rows}
