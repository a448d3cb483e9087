"""How far the partitions reach: for gauges, probes and the operator."""

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from recoup.store.partitions import KEYS, bound_of

_BOUNDS = """
SELECT p.relname AS table,
  max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([0-9a-f-]{36})''\\)')) AS upper
FROM pg_class p JOIN pg_inherits i ON i.inhparent = p.oid JOIN pg_class c ON c.oid = i.inhrelid
WHERE p.oid = ANY($1::text[]::regclass[]) GROUP BY p.relname
"""


async def read_days_left(connection: asyncpg.Connection, now: datetime) -> dict[str, float]:
    """Table -> days until its newest partition ends."""
    rows = {r["table"]: r["upper"] for r in await connection.fetch(_BOUNDS, list(KEYS))}
    ends = {table: bound_of(UUID(rows[table])) if rows.get(table) else now for table in KEYS}
    return {table: max(0.0, (end - now) / timedelta(days=1)) for table, end in ends.items()}


async def read_overflown(connection: asyncpg.Connection) -> list[str]:
    """Tables whose rows fell into the default partition, since there was none for them."""
    return [table for table in KEYS if await _overflown(connection, table)]


async def _overflown(connection: asyncpg.Connection, table: str) -> bool:
    if await connection.fetchval("SELECT to_regclass($1)::text", f"{table}_default") is None:
        return False
    return await connection.fetchval(f"SELECT EXISTS (SELECT FROM {table}_default)") is True
