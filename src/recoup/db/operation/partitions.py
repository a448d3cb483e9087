"""Reach of the partitions: for gauges, probes and the operator."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from recoup.db.partitions import KEYS, bound_of
from recoup.db.statement import MERCHANT, Read


async def read_days_left(db: Read, now: datetime) -> dict[str, float]:
    """Table -> days until its newest partition ends."""
    bounds = await _bounds(db, list(KEYS))
    ends = {table: bound_of(UUID(upper)) if (upper := bounds.get(table)) else now for table in KEYS}
    return {table: max(0.0, (end - now) / timedelta(days=1)) for table, end in ends.items()}


@MERCHANT.statement("""
SELECT p.relname AS table,
  max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([0-9a-f-]{36})''\\)')) AS upper
FROM pg_class p JOIN pg_inherits i ON i.inhparent = p.oid JOIN pg_class c ON c.oid = i.inhrelid
WHERE p.oid = ANY($1::text[]::regclass[]) GROUP BY p.relname
""")
async def _bounds(db: Read, tables: Sequence[str]) -> dict[str, str | None]:
    """The id before which the newest partition of each ends."""


async def read_overflown(db: Read) -> list[str]:
    """Tables whose rows fell into the default partition, since there was none for them."""
    return [table for table in KEYS if await _overflown(db, table)]


async def _overflown(db: Read, table: str) -> bool:
    if not await _exists(db, f"{table}_default"):
        return False
    return await db.fetchval(f"SELECT EXISTS (SELECT FROM {table}_default)") is True


@MERCHANT.statement("SELECT to_regclass($1) IS NOT NULL")
async def _exists(db: Read, table: str) -> bool:
    """True when there is such a table."""
