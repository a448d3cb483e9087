"""A machine's clock beside its database's: too far apart at the start is refused, later on it is logged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from recoup.kernel.problem import Problem, in_words
from recoup.kernel.time import SKEW_SECONDS_MAX, Clocks, DatabaseClocks
from recoup.store.connect import connect
from recoup.store.pool import Database

EVERY_SECONDS: Final = 60.0
log = structlog.get_logger()


@asynccontextmanager
async def watched(db: Database, clocks: DatabaseClocks, process: str) -> AsyncIterator[None]:
    """While it is open the clocks follow the database's. A database that is away at the start is measured later.
    Raises: Problem(unavailable) when the clocks are too far apart at the start."""
    try:
        await db.measure()
    except Problem as problem:
        log.warning("clock not measured", process=process, error=in_words(problem))
    else:
        _refuse(clocks)
    task = asyncio.create_task(_follow(db, clocks, process))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def check_clock(dsn: str, machine: Clocks | None = None) -> None:
    """Raises: Problem(unavailable) when the database's clock is too far away; what asyncpg raises."""
    clocks = DatabaseClocks(machine)
    connection = await connect(dsn)
    try:
        started = clocks.monotonic()
        clocks.measured(await connection.fetchval("SELECT clock_timestamp()"), started, clocks.monotonic())
    finally:
        await connection.close()
    _refuse(clocks)


def _refuse(clocks: DatabaseClocks) -> None:
    ahead = clocks.ahead_seconds
    if _is_skewed(clocks):
        where = "ahead of" if ahead > 0 else "behind"
        message = f"This machine's clock is {abs(ahead):.1f} s {where} the database's."
        raise Problem("unavailable", message, cure="Set both machines' clocks by NTP, then start again.")


def _is_skewed(clocks: DatabaseClocks) -> bool:
    """For certain: an answer that took seconds says less than one that came at once."""
    return abs(clocks.ahead_seconds) - clocks.unsure_seconds > SKEW_SECONDS_MAX


async def _follow(db: Database, clocks: DatabaseClocks, process: str) -> None:
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            await db.measure()
        except Exception as error:  # noqa: BLE001 - without it the clocks would stay as they are, and no log line
            log.warning("clock not measured", process=process, error=in_words(error))
            continue
        if _is_skewed(clocks):
            log.warning("clock skew", process=process, ahead_seconds=round(clocks.ahead_seconds, 1))
