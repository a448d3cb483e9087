"""The issuer's own few connections, so that its commits never share a fate with ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Literal

import asyncpg

from recoup.kernel.time import WallTime

Kind = Literal["outage", "slow", "silent", "duplicate", "refuse"]


async def set_fault(connection: asyncpg.Connection, kind: Kind, until: WallTime) -> None:
    """outage: connections are refused. slow: 1.5 s each. silent: decided, but no answer. duplicate:
    messages arrive twice."""
    await connection.execute(
        "INSERT INTO issuer.faults (kind, until) VALUES ($1, $2)"
        " ON CONFLICT (kind) DO UPDATE SET until = excluded.until",
        kind,
        until,
    )


async def clear_faults(connection: asyncpg.Connection, kind: Kind | None = None) -> None:
    """Switch one fault off, or all of them."""
    await connection.execute("DELETE FROM issuer.faults WHERE $1::text IS NULL OR kind = $1", kind)


async def active_faults(connection: asyncpg.Connection, now: WallTime) -> frozenset[str]:
    rows = await connection.fetch("SELECT kind FROM issuer.faults WHERE until > $1", now)
    return frozenset(row["kind"] for row in rows)


_RACES = (
    asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError, asyncpg.DuplicateTableError,
    asyncpg.DeadlockDetectedError,
)  # fmt: skip


async def install_book(connection: asyncpg.Connection, package: str) -> None:
    """Runs `schema.sql` of `package`. Safe to repeat and to run twice at once."""
    script = (files(package) / "schema.sql").read_text("utf-8")
    for last_try in (False, False, True):
        try:
            async with connection.transaction():
                await connection.execute(script)
            return
        except _RACES:
            if last_try:
                raise


Connect = Callable[[], Awaitable[asyncpg.Connection]]

LOST: tuple[type[BaseException], ...] = (
    asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError,
)  # fmt: skip


IDLE_SECONDS = 30.0


class Connections:
    """Pool of at most `size` connections, opened when first needed, the last used first; first
    come, first served. All are closed once nobody has needed one for a while."""

    def __init__(self, source: str | Connect, size: int) -> None:
        self._source, self._size = source, size
        self._free: asyncio.LifoQueue[asyncpg.Connection | None] | None = None
        self._resting: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def one(self) -> AsyncIterator[asyncpg.Connection]:
        """Raises: what asyncpg raises when there is no server."""
        free = self._queue()
        connection = await free.get()
        try:
            if connection is None or connection.is_closed():
                connection = None
                connection = await self._connect()
            yield connection
        except Exception:
            if connection is not None and (
                connection.is_closed() or connection.is_in_transaction()
            ):
                connection.terminate()
                connection = None
            raise
        except BaseException:
            # Cut off in the middle: a BEGIN that nobody has read the answer of would swallow what
            # the next one commits.
            if connection is not None:
                connection.terminate()
                connection = None
            raise
        finally:
            free.put_nowait(connection)
            self._wake()
            self._resting = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._rest, free)

    async def close(self) -> None:
        self._wake()
        for _ in range(self._size):
            connection = await self._queue().get()
            if connection is not None and not connection.is_closed():
                try:
                    await connection.close(timeout=5)
                except LOST:
                    connection.terminate()
        self._free = None

    def _wake(self) -> None:
        if self._resting is not None:
            self._resting.cancel()

    def _rest(self, free: "asyncio.LifoQueue[asyncpg.Connection | None]") -> None:
        for connection in [free.get_nowait() for _ in range(free.qsize())]:
            if connection is not None:
                connection.terminate()
            free.put_nowait(None)

    def _queue(self) -> "asyncio.LifoQueue[asyncpg.Connection | None]":
        if self._free is None:  # made late: it belongs to the loop that runs
            self._free = asyncio.LifoQueue()
            for _ in range(self._size):
                self._free.put_nowait(None)
        return self._free

    async def _connect(self) -> asyncpg.Connection:
        if isinstance(self._source, str):
            return await asyncpg.connect(self._source, timeout=5)
        return await self._source()
