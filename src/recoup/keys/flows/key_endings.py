"""A key that ends at once opens nothing any more, in every process, and neither does an access
token made with it.

A door asks nothing for that: each process keeps the keys that end in memory, hears of a new one by
a notification, and reads them all again each second. It goes by its memory for LEASE after it last
read, and writes down what it has taken in. A flow that ends a key answers when every process has
taken it in, or may not go by its memory any more. A process whose channel is down asks the database
for each call.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import asyncpg
import structlog

from recoup.db.pool import LOST, Database, is_away
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.keys.store.key_endings import CHANNEL, announce, any_behind, find_ending, hear, leave
from recoup.kit.beside import beside

LEASE: Final = timedelta(seconds=3)
EVERY_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 1.0  # a reading that takes longer counts for nothing
GRACE: Final = timedelta(
    seconds=2
)  # longer than that: a lease that runs out while it is renewed is still waited for
PAUSE_SECONDS: Final = 0.5
_ALL_LEFT: Final = (LEASE + GRACE).total_seconds() + 1
_FAILS: Final = (Problem, *LOST, asyncpg.PostgresError, TimeoutError, OSError)
log = structlog.get_logger()


class KeyEndings:
    """Endings of keys, one for each world and process."""

    def __init__(self, db: Database, clocks: Clocks) -> None:
        """The world's."""
        self._db, self._clocks = db, clocks
        self._ends: Mapping[str, datetime | None] = {}
        self._until = 0.0

    def is_open(self, key: str) -> bool:
        """True when memory is enough to know the key open."""
        return key not in self._ends and self.by_memory

    async def has_ended(self, key: str) -> bool:
        """Raises: Problem(unavailable) where that cannot be known."""
        if self.by_memory:
            if key not in self._ends:
                return False
            ends_at = self._ends[key]
            return ends_at is None or ends_at <= self._clocks.wall()
        ending = await find_ending(self._db, key)
        return ending is not None and (
            ending.ends_at is None or ending.ends_at <= self._clocks.wall()
        )

    @property
    def by_memory(self) -> bool:
        """True when memory need not ask the database."""
        return monotonic() < self._until

    @asynccontextmanager
    async def heard(self) -> AsyncIterator[None]:
        """Meanwhile it goes by its memory."""
        async with beside(self._run()):
            try:
                yield
            finally:
                self._until = 0.0

    async def _run(self) -> None:
        while True:
            try:
                async with self._db.apart() as connection:
                    await self._follow(connection)
            except _FAILS as error:
                if not is_away(error):
                    log.warning("key endings are asked for call by call", why=type(error).__name__)
            self._until = 0.0
            await asyncio.sleep(PAUSE_SECONDS)

    async def _follow(self, connection: asyncpg.Connection) -> None:
        """Follows endings until the connection is lost."""
        listener_id, wake = new_id(), asyncio.Event()
        taken_in: datetime | None = None  # the reading that memory is
        await connection.add_listener(CHANNEL, lambda *_: wake.set())
        try:
            while True:
                woken = wake.is_set()
                wake.clear()
                held = False
                for _ in range(
                    2 if woken or taken_in is None else 1
                ):  # the second shows that the first was taken in
                    sent = monotonic()
                    async with asyncio.timeout(ANSWER_SECONDS):
                        heard = await hear(connection, listener_id, LEASE, taken_in)
                    # Without a lease before, nobody who ended a key meanwhile saw this listener: it
                    # reads again.
                    held = heard.held
                    if held:
                        self._ends = heard.ends or {}
                        self._until = (
                            sent + LEASE.total_seconds() if heard.ends is not None else 0.0
                        )
                        taken_in = heard.at
                if held:
                    await _either(wake)
        except asyncio.CancelledError:
            self._until = 0.0
            with suppress(*_FAILS):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await leave(connection, listener_id)
            raise


async def heard_everywhere(db: Database) -> None:
    """Waits, after the commit that ended keys, until no process goes by them any more."""
    deadline, pause = monotonic() + _ALL_LEFT, 0.002
    try:
        since = await announce(db.alone)
        while monotonic() < deadline:
            if not await any_behind(db, since, GRACE):
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.1)
    # the keys have ended; without the database no process goes by its memory after LEASE
    except Problem as problem:
        log.warning("not waited for all processes", why=problem.code)


async def _either(wake: asyncio.Event) -> None:
    """Waits until something ends, or it is time to read again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(EVERY_SECONDS):
            await wake.wait()
