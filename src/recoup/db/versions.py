"""Schemas of running processes: which release's each was written for. A process of another release
would write rows that the others take for wrong, so it is neither let in nor left behind when the
schema moves.

A migration that only adds (`-- beside`) is not counted: the former release goes on beside it, and
may start again.

Each connection of a process says its schema by a shared advisory lock, which every log-in may see.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from zlib import crc32

import asyncpg

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence

CLASS: Final = 7_301_842
_TELL: Final = "SELECT pg_try_advisory_lock_shared($1, $2)"
# Databases of the first commits know no features.
_APPLIED: Final = """
SELECT coalesce(to_jsonb(m) ->> 'feature', '') AS feature, number,
  to_jsonb(m) ->> 'beside' = 'true' AS beside
FROM schema_migrations m
"""
_OTHERS: Final = """
SELECT a.pid, coalesce(a.usename, '') AS log_in, coalesce(a.application_name, '') AS name,
  coalesce(host(a.client_addr), '') AS host
FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'advisory' AND l.granted
  AND l.database = a.datid AND l.classid = $1::bigint::oid AND l.objsubid = 2
    AND l.objid::bigint <> $2
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
ORDER BY a.backend_start, a.pid LIMIT 20
"""


Key = tuple[str, int]
"""A migration's feature, empty for Recoup's own, and its number."""


@frozen
class Schema:
    """Schema that a release takes a database to have. `needed`: migrations without which it does
    not work; `mark`: a number for those that no other release may lack."""

    needed: frozenset[Key]
    mark: int


def schema_by(migrations: Iterable[tuple[Key, str, bool]]) -> Schema:
    """`migrations`: their keys and checksums, and whether each only adds."""
    every = sorted(migrations)
    sums = "\n".join(checksum for _, checksum, is_beside in every if not is_beside)
    return Schema(frozenset(key for key, _, _ in every), crc32(sums.encode()) & 0x7FFFFFFF)


async def greet(connection: asyncpg.Connection, schema: Schema, *, tells: bool = True) -> None:
    """Says for which schema this connection's process was written, unless another one `tells` it,
    and sees that it is the database's. The lock first: a migration looks for it while nobody can
    read what was applied.

    Raises: Problem(unavailable).
    """
    if tells:
        await connection.fetchval(_TELL, CLASS, schema.mark)
    try:
        rows = await connection.fetch(_APPLIED)
    except asyncpg.UndefinedTableError:
        rows = []
    applied = {(row["feature"], row["number"]): row["beside"] for row in rows}
    if [key for key, is_beside in applied.items() if key not in schema.needed and not is_beside]:
        message = "The database's schema is newer than this process."
        raise Problem(
            "unavailable",
            message,
            cure="Stop it, and start the new release.",
            retry_after_seconds=10,
        )
    if lacking := schema.needed - applied.keys():
        message = Sentence(
            "The database lacks {0} migrations that this release needs.", len(lacking)
        )
        raise Problem(
            "unavailable", message, cure="Run `recoup schema apply`.", retry_after_seconds=10
        )


async def others(connection: asyncpg.Connection, schema: Schema) -> list[str]:
    """Connections of other releases' processes: `recoup-worker of recoup_login at 10.0.0.7 (pid
    812)`."""
    rows = await connection.fetch(_OTHERS, CLASS, schema.mark)
    return [
        f"{row['name'] or 'a process'} of "
        f"{row['log_in']}{' at ' + row['host'] if row['host'] else ''}"
        f" (pid {row['pid']})"
        for row in rows
    ]


def held_up_by(connections: Sequence[str]) -> Problem:
    message = Sentence(
        "Processes of another release use this database: {0}.", ", ".join(connections[:5])
    )
    return Problem(
        "unavailable", message, cure="Stop Recoup on every machine, then start the new release."
    )
