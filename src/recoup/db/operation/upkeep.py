"""Upkeep's leases, so that one worker at a time does a task; what it forgets; and whether a server
takes writes: one that was demoted answers all else as ever."""

from datetime import datetime
from typing import Final

import asyncpg

from recoup.db.statement import DIRECTORY, Connection, Read, Tx
from recoup.kernel.time import WallTime


@DIRECTORY.statement("""
INSERT INTO upkeep (task, lease_until) VALUES ($1, $2)
ON CONFLICT (task) DO UPDATE SET lease_until = EXCLUDED.lease_until
WHERE (upkeep.lease_until IS NULL OR upkeep.lease_until <= $3) AND (upkeep.done_at IS NULL
  OR upkeep.done_at <= $4)
RETURNING true
""")
async def lease_upkeep(
    db: Tx, task: str, *, until: datetime, now: datetime, done_before: datetime
) -> bool:
    """Leases a task; True when it is ours to do: nobody else does it, and it was last done before
    `done_before`."""


@DIRECTORY.statement("UPDATE upkeep SET done_at = $2, lease_until = NULL WHERE task = $1")
async def finish_upkeep(db: Tx, task: str, now: datetime) -> None:
    """Done now, and nobody's."""


@DIRECTORY.statement("INSERT INTO upkeep (task, done_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
async def begin_upkeep(db: Tx, task: str, now: datetime) -> None:
    """A task that was never done counts as done now: it is first due when its time comes, not at
    the first start."""


@DIRECTORY.statement("""
INSERT INTO upkeep (task, done_at) VALUES ($1, $2) ON CONFLICT (task) DO UPDATE
  SET done_at = EXCLUDED.done_at
""")
async def note_alive(db: Tx, who: str, now: datetime) -> None: ...


@DIRECTORY.statement("SELECT done_at FROM upkeep WHERE task = $1")
async def last_alive(db: Read, who: str) -> WallTime | None: ...


@DIRECTORY.statement("SELECT NOT current_setting('transaction_read_only')::bool")
async def is_writable(db: Read) -> bool: ...


ROOM: Final = 1 << 20  # bytes
_FILL: Final = f"SELECT count(*) FROM generate_series(1, {ROOM // 13})"


async def has_room(connection: Connection) -> bool:
    """True when the server can write a megabyte, tried by a result that it has to keep in a
    temporary file."""
    try:
        async with connection.transaction(readonly=True):
            await connection.execute("SET LOCAL work_mem = '64kB'")
            await connection.execute(_FILL)
    except asyncpg.DiskFullError:
        return False
    return True
