"""Replica of a world's database: a standby, for reads that take long, while it has everything that
is committed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from time import monotonic
from typing import Final, TypeVar

import structlog

from recoup.db.pool import REPEAT_SECONDS, RETRY, Database
from recoup.db.statement import DIRECTORY, Connection, Read, Row
from recoup.kernel.measures import LONG_READS
from recoup.kernel.problem import Problem, in_words

T = TypeVar("T")
AGAIN_SECONDS: Final = 15.0  # after a read that had to go to the primary
POLL_SECONDS: Final = 0.02
log = structlog.get_logger()


class Progress(Row):
    """`reached`: in the log, in bytes, as far as it is committed or replayed. `created_at`: of the
    installation's world."""

    is_standby: bool
    reached: int
    created_at: datetime
    epoch: int
    beat: int


@DIRECTORY.statement("""
SELECT pg_is_in_recovery() AS is_standby,
  pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
    ELSE pg_current_wal_flush_lsn() END, '0/0')::bigint AS reached,
  w.created_at, greatest(w.epoch, max(e.epoch)) AS epoch, w.beat
FROM world w LEFT JOIN epochs e ON true GROUP BY w.one
""")
async def progress(db: Read) -> Progress: ...


class _UnfitError(Exception):
    """Why it is not read."""


class Replica:
    """`late_seconds`: how long a read waits for it to catch up. What it does not do in time, or
    breaks off, the primary does, and for a while everything."""

    def __init__(self, primary: Database, standby: Database, late_seconds: float) -> None:
        self._primary, self._standby, self._late_seconds = primary, standby, late_seconds
        self._not_before = self._quiet_until = 0.0

    async def read(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Runs `work`, which only reads and may be run again, on a connection that has everything
        committed before."""
        if monotonic() >= self._not_before:
            committed = await progress(self._primary)
            try:
                async with self._standby.connection() as connection:
                    await self._catch_up(connection, committed)
                    done = await work(connection)
            except (_UnfitError, Problem, *RETRY) as error:
                if isinstance(error, Problem) and error.code != "unavailable":
                    raise
                self._note(error)
            else:
                LONG_READS.add("replica")
                return done
        LONG_READS.add("primary")
        async with self._primary.connection() as connection:
            return await work(connection)

    async def _catch_up(self, connection: Connection, committed: Progress) -> None:
        """Waits until it has that. Raises: _UnfitError for one that is late, or no standby
        of this database."""
        until = monotonic() + self._late_seconds
        while True:
            has = await progress(connection)
            if not has.is_standby:
                raise _UnfitError("It is no standby.")
            if has.created_at != committed.created_at:
                raise _UnfitError("It is another installation's.")
            if has.reached >= committed.reached:
                break
            if monotonic() >= until:
                why = f"It is late by more than {self._late_seconds} s."
                raise _UnfitError(why)
            await asyncio.sleep(POLL_SECONDS)
        if (has.epoch, has.beat) < (committed.epoch, committed.beat):
            raise _UnfitError("It follows another server.")

    def _note(self, error: BaseException) -> None:
        now = monotonic()
        self._not_before = now + AGAIN_SECONDS
        if now >= self._quiet_until:
            self._quiet_until = now + REPEAT_SECONDS
            why = (
                str(error) if isinstance(error, _UnfitError) else in_words(error.__cause__ or error)
            )
            log.warning("replica not read", why=why)
