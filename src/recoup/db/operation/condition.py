"""Condition of the server itself: what holds back its cleaning, who waits for whom, what limits it
sets."""

from collections.abc import Sequence
from typing import Final

from recoup.db.statement import MERCHANT, Read, Row

# Whose rows change most.
HOT: Final = (
    "attempts",
    "due_work",
    "lanes",
    "order_heads",
    "order_states",
    "outbox_queue",
    "postings_queue",
    "requests",
)


class Condition(Row):
    """`snapshot_age`: transactions since the oldest snapshot that a session, a slot or a prepared
    transaction holds: no row that died since can be cleared. `snapshot_of`: the process of it, 0
    for one of the others. `blocked_seconds`: how long somebody has waited for a lock, and the
    process that holds it. `damaged_pages`: that were read since the counts began, of all databases
    of the server."""

    snapshot_age: int
    snapshot_of: int
    blocked_seconds: float
    blocked_by: int
    damaged_pages: int


@MERCHANT.statement("""
SELECT coalesce(s.held, 0)::bigint AS snapshot_age, coalesce(s.pid, 0) AS snapshot_of,
  coalesce(extract(epoch FROM clock_timestamp() - w.since), 0)::float8 AS blocked_seconds,
  coalesce((pg_blocking_pids(w.pid))[1], 0) AS blocked_by,
  (SELECT coalesce(sum(checksum_failures), 0)::bigint FROM pg_stat_database) AS damaged_pages
FROM (SELECT) one
LEFT JOIN LATERAL (
  SELECT held, pid FROM (
    SELECT age(backend_xmin) AS held, pid FROM pg_stat_activity
    WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
    UNION ALL SELECT age(transaction), 0 FROM pg_prepared_xacts
    UNION ALL SELECT greatest(age(xmin), age(catalog_xmin)), 0 FROM pg_replication_slots) h
  WHERE held IS NOT NULL ORDER BY held DESC LIMIT 1) s ON true
LEFT JOIN LATERAL (
  SELECT pid, waitstart AS since FROM pg_locks WHERE NOT granted AND waitstart IS NOT NULL
    AND locktype <> 'advisory'
  ORDER BY waitstart LIMIT 1) w ON true
""")
async def read_condition(db: Read) -> Condition: ...


@MERCHANT.statement("""
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1
""")
async def count_sessions(db: Read, name: str) -> int:
    """Counts the sessions that a kind of process has there."""


async def read_dead_rows(db: Read) -> dict[str, int]:
    """Rows that died and were not cleared, of the tables that change most."""
    return await _dead_rows(db, HOT)


@MERCHANT.statement("""
SELECT coalesce(p.relname, t.relname) AS table, sum(t.n_dead_tup)::bigint AS rows
FROM pg_stat_user_tables t LEFT JOIN pg_inherits i ON i.inhrelid = t.relid
  LEFT JOIN pg_class p ON p.oid = i.inhparent
WHERE coalesce(p.relname, t.relname) = ANY($1::text[]) GROUP BY 1
""")
async def _dead_rows(db: Read, tables: Sequence[str]) -> dict[str, int]:
    """Dead rows by table, with its partitions."""


@MERCHANT.statement("""
SELECT name, setting FROM pg_settings
WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
  'transaction_timeout')
  AND setting::bigint BETWEEN 1 AND $1
""")
async def read_short_limits(db: Read, ms: int) -> dict[str, str]:
    """The server's own limits on a session's statements that are that short, in milliseconds."""
