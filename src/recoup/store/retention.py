"""What is kept, and for how long. Runs as the owner: the application may not delete records."""

from datetime import datetime, timedelta
from typing import Final

import asyncpg

from recoup.store.partitions import PARTITIONED, RETENTION_MONTHS

REQUESTS_KEPT: Final = timedelta(days=30)  # the keys of refunds and charges stay for ever
BATCH: Final = 5_000
_REQUESTS = """
DELETE FROM requests WHERE ctid IN (
  SELECT ctid FROM requests
  WHERE operation NOT IN ('refund', 'charge') AND state = 'answered' AND created_at < $1 LIMIT $2)
"""
_PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass
"""


async def retain(connection: asyncpg.Connection, now: datetime) -> int:
    """Deletes what has served its time, in batches; answers how many rows and partitions."""
    gone = 0
    while True:
        done = int((await connection.execute(_REQUESTS, now - REQUESTS_KEPT, BATCH)).split()[-1])
        gone += done
        if done < BATCH:
            break
    for table in PARTITIONED:
        months = RETENTION_MONTHS[table]
        if months is not None:
            gone += await _drop_old(connection, table, now, months)
    return gone


async def _drop_old(connection: asyncpg.Connection, table: str, now: datetime, months: int) -> int:
    """Partitions are named table_YYYY_MM; the first, open-ended one stays."""
    oldest = now.year * 12 + now.month - 1 - months
    old = []
    for row in await connection.fetch(_PARTITIONS, table):
        year, _, month = row["relname"].removeprefix(f"{table}_").partition("_")
        if year.isdigit() and month.isdigit() and int(year) * 12 + int(month) - 1 < oldest:
            old.append(row["relname"])
    for name in old:
        await connection.execute(f"DROP TABLE {name}")
    return len(old)
