"""Which release's schema each running process was written for. A process of another release would write rows that the
others take for wrong, so it is neither let in nor left behind when the schema moves.

Each connection of a process says it by a shared advisory lock, which every log-in may see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import asyncpg

from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence

CLASS: Final = 7_301_842
_TELL: Final = "SELECT pg_try_advisory_lock_shared($1, $2)"
_APPLIED: Final = "SELECT number FROM schema_migrations"
_OTHERS: Final = """
SELECT a.pid, coalesce(a.usename, '') AS log_in, coalesce(a.application_name, '') AS name,
  coalesce(host(a.client_addr), '') AS host
FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'advisory' AND l.granted
  AND l.database = a.datid AND l.classid = $1::bigint::oid AND l.objsubid = 2 AND l.objid::bigint <> $2
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
ORDER BY a.backend_start, a.pid LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class Schema:
    """What a release takes a database to be. `mark`: a number for it."""

    numbers: frozenset[int]
    mark: int


def schema_by(migrations: Sequence[tuple[int, str]]) -> Schema:
    """`migrations`: their numbers and checksums."""
    sums = "\n".join(checksum for _, checksum in sorted(migrations))
    return Schema(frozenset(number for number, _ in migrations), crc32(sums.encode()) & 0x7FFFFFFF)


async def greet(connection: asyncpg.Connection, schema: Schema) -> None:
    """Says for which schema this connection's process was written, and sees that it is the database's. The lock first:
    a migration looks for it while nobody can read what was applied.

    Raises: Problem(unavailable).
    """
    await connection.fetchval(_TELL, CLASS, schema.mark)
    try:
        applied = {row["number"] for row in await connection.fetch(_APPLIED)}
    except asyncpg.UndefinedTableError:
        applied = set()
    if applied - schema.numbers:
        message = "The database's schema is newer than this process."
        raise Problem("unavailable", message, cure="Stop it, and start the new release.", retry_after_seconds=10)
    if schema.numbers - applied:
        message = Sentence("The database lacks {0} migrations that this release needs.", len(schema.numbers - applied))
        raise Problem("unavailable", message, cure="Run `recoup schema apply`.", retry_after_seconds=10)


async def others(connection: asyncpg.Connection, schema: Schema) -> list[str]:
    """Connections of other releases' processes: `recoup-worker of recoup_login at 10.0.0.7 (pid 812)`."""
    rows = await connection.fetch(_OTHERS, CLASS, schema.mark)
    return [
        f"{row['name'] or 'a process'} of {row['log_in']}{' at ' + row['host'] if row['host'] else ''}"
        f" (pid {row['pid']})"
        for row in rows
    ]


def held_up_by(connections: Sequence[str]) -> Problem:
    message = Sentence("Processes of another release use this database: {0}.", ", ".join(connections[:5]))
    return Problem("unavailable", message, cure="Stop Recoup on every machine, then start the new release.")
