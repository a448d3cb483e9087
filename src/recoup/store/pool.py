"""Connections to one database: callers are served first come, first served.

asyncpg's own pool resets a connection on every release, a round trip we do not need. Of the free connections the one
used last goes first, so that those that nobody needs fall idle and can be closed: each costs the server megabytes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, TypeVar

import asyncpg
import msgspec

from recoup.kernel.problem import Problem
from recoup.kernel.time import DatabaseClocks
from recoup.store.versions import Schema, greet

LOST: tuple[type[BaseException], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # A primary that was demoted: whoever is the primary now is found by a new connection.
    asyncpg.ReadOnlySQLTransactionError,
    ConnectionError,
    FileNotFoundError,
)
FULL = (asyncpg.DiskFullError, asyncpg.OutOfMemoryError, asyncpg.TooManyConnectionsError)
KeyTaken = asyncpg.UniqueViolationError
RETRY = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

T = TypeVar("T")


class StalePlan(Problem):
    """A schema change ended a statement that was prepared before it. Nothing was written; `retrying` runs it again."""


# Plans are kept by each connection. One made while a table was small would read all of it for ever when it has grown;
# every statement here has an index to go by. One plan for all values: else the look-up of a foreign key into a
# partitioned table is planned anew for every row, which takes fifty times as long as the look-up. No second process for
# a statement: such a plan expects more of what it reads the longer the history is, and would start one, which takes ten
# milliseconds, for the few rows of a day.
PLANS = {
    "enable_seqscan": "off", "plan_cache_mode": "force_generic_plan", "max_parallel_workers_per_gather": "0",
}  # fmt: skip

IDLE_SECONDS = 30.0
_encode = msgspec.json.Encoder()
_decode = msgspec.json.Decoder()


def to_json(value: Any) -> str:
    return _encode.encode(value).decode()


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + _encode.encode(value),
        decoder=lambda raw: _decode.decode(raw[1:]),
    )


# What a new connection is, and what time it is there.
_GREETING = """
SELECT current_user::text, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
  clock_timestamp()
"""


def _not_ours(message: str) -> Problem:
    return Problem("unavailable", message, cure="`recoup schema check` says what is missing.", retry_after_seconds=10)


def unavailable(error: BaseException) -> Problem:
    """What a caller is told when the database cannot take it."""
    if isinstance(error, FULL):
        message = "The database has no room left; nothing was written."
    else:
        message = "The database is not reachable; it is not known to have taken this."
    return Problem("unavailable", message, cure="Send the same call again.", retry_after_seconds=2)


class Database:
    """A bounded set of connections as `recoup_app`. Safe for one event loop. With `clocks`, it keeps them right."""

    def __init__(
        self, dsn: str, *, size: int = 12, role: str | None = "recoup_app", name: str = "recoup",
        clocks: DatabaseClocks | None = None, schema: Schema | None = None,
    ) -> None:  # fmt: skip
        """`clocks`: they are told this database's time, with each connection and once a minute. `schema`: which the
        database must have, see `versions`."""
        self._clocks, self._schema = clocks, schema
        self._dsn, self._size, self._role, self._name = dsn, size, role, name
        self._free: asyncio.LifoQueue[asyncpg.Connection | None] = asyncio.LifoQueue()
        self._used: dict[asyncpg.Connection, float] = {}
        self._trimmer: asyncio.Task[None] | None = None
        self._current: set[asyncpg.Connection] = set()  # opened since all were last given up
        self._opened = self._closed = False
        self._waiting = 0

    async def open(self) -> "Database":
        """Connects lazily, so that a door can start while its database is still coming up."""
        if not self._opened:
            self._opened = True
            for _ in range(self._size):
                self._free.put_nowait(None)
            self._trimmer = asyncio.create_task(self._trim())
        return self

    async def _trim(self) -> None:
        """Closes what nobody has used for a while."""
        while True:
            await asyncio.sleep(IDLE_SECONDS / 2)
            long_ago = monotonic() - IDLE_SECONDS
            self._used = {c: used for c, used in self._used.items() if not c.is_closed()}
            self._current = {c for c in self._current if not c.is_closed()}
            kept = [self._free.get_nowait() for _ in range(self._free.qsize())]
            for connection in reversed(kept):
                idle = connection is not None and self._used.get(connection, 0) < long_ago
                if idle and connection is not None:
                    self._used.pop(connection, None)
                    connection.terminate()
                self._free.put_nowait(None if idle else connection)

    async def close(self) -> None:
        """What is in use ends when it is given back."""
        self._closed = True
        if self._trimmer is not None:
            self._trimmer.cancel()
        for _ in range(self._free.qsize()):
            connection = self._free.get_nowait()
            if connection is not None and not connection.is_closed():
                connection.terminate()

    async def _connect(self) -> asyncpg.Connection:
        settings = {"application_name": self._name, "timezone": "UTC", "jit": "off"} | PLANS
        if self._role:
            settings["role"] = self._role
        try:
            connection = await asyncpg.connect(
                self._dsn, timeout=5, command_timeout=30, server_settings=settings, statement_cache_size=400,
                target_session_attrs="read-write",
            )  # fmt: skip
        except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError) as error:
            said = str(error).splitlines()[0]
            raise _not_ours(f"The database's log-in cannot become {self._role}: {said}.") from error
        try:
            await _prepare(connection)
            await self._greet(connection)
        except BaseException:
            connection.terminate()
            raise
        self._current.add(connection)
        return connection

    def _renew(self) -> None:
        """Gives up all connections, those in use when they come back: what is wrong with one is wrong with each."""
        self._current.clear()
        for _ in range(self._free.qsize()):
            connection = self._free.get_nowait()
            if connection is not None:
                self._used.pop(connection, None)
                connection.terminate()
            self._free.put_nowait(None)

    async def _greet(self, connection: asyncpg.Connection) -> None:
        """A connection does what the application may; and it tells the time."""
        asked = monotonic() if self._clocks is None else self._clocks.monotonic()
        role, mighty, at = await connection.fetchrow(_GREETING)
        if self._clocks is not None:
            self._clocks.measured(at, asked, self._clocks.monotonic())
        if self._role is not None and (role != self._role or mighty):
            raise _not_ours(f"The connection's role is {role}, not {self._role}.")
        if self._schema is not None:
            await greet(connection, self._schema)

    async def measure(self) -> None:
        """Asks for the database's time. Raises: Problem(unavailable)."""
        async with self.connection() as connection:
            if self._clocks is not None:
                asked = self._clocks.monotonic()
                at = await connection.fetchval("SELECT clock_timestamp()")
                self._clocks.measured(at, asked, self._clocks.monotonic())

    async def _next_free(self) -> asyncpg.Connection | None:
        """In turn: who comes while others wait stands behind them. None: one that is still to be opened."""
        if not self._waiting and not self._free.empty():
            return self._free.get_nowait()
        self._waiting += 1
        try:
            async with asyncio.timeout(10):
                return await self._free.get()
        except TimeoutError:
            raise Problem("unavailable", "All database connections are busy.",
                          retry_after_seconds=1, cure="Send it again in a second.") from None  # fmt: skip
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Raises: Problem(unavailable) when none comes free in 10 s or the database cannot be reached."""
        connection = await self._next_free()
        try:
            if connection is None or connection.is_closed():
                connection = None
                connection = await self._connect()
            yield connection
        except (*LOST, *FULL, TimeoutError) as error:
            if connection is not None and isinstance(error, (*LOST, TimeoutError)):
                connection.terminate()
                connection = None
            if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                self._renew()
            raise unavailable(error) from error
        except asyncpg.InvalidCachedStatementError as error:
            self._renew()
            raise StalePlan("unavailable", "The database's schema has just changed; nothing was written.",
                            cure="Send the same call again.", retry_after_seconds=1) from error  # fmt: skip
        except Exception:
            if connection is not None and (connection.is_in_transaction() or connection.is_closed()):
                connection.terminate()
                connection = None
            raise
        except BaseException:
            # Cut off in the middle: a BEGIN may have gone out whose answer nobody has read yet.
            if connection is not None:
                connection.terminate()
                connection = None
            raise
        finally:
            if connection is not None and (self._closed or connection not in self._current):
                connection.terminate()
                connection = None
            elif connection is not None:
                self._used[connection] = monotonic()
            self._free.put_nowait(connection)

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[asyncpg.Connection]:
        """One beside the others, for who keeps it: a listener. Raises: what the driver does."""
        connection = await self._connect()
        try:
            yield connection
        finally:
            connection.terminate()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        async with self.connection() as connection:
            return await connection.fetch(sql, *args)  # type: ignore[no-any-return]

    async def fetchrow(self, sql: str, *args: Any) -> asyncpg.Record | None:
        async with self.connection() as connection:
            return await connection.fetchrow(sql, *args)

    async def execute(self, sql: str, *args: Any) -> str:
        async with self.connection() as connection:
            return await connection.execute(sql, *args)  # type: ignore[no-any-return]


async def retrying(work: Callable[[], Awaitable[T]], *, tries: int = 6) -> T:
    """Runs a whole transaction again, with a growing pause, when PostgreSQL asks for it (40001, 40P01) or when a schema
    change has ended one of its statements.
    """
    for attempt in range(tries):
        try:
            return await work()
        except (*RETRY, StalePlan) as error:
            if attempt == tries - 1:
                raise Problem("unavailable", "Too much contention on this record.",
                              retry_after_seconds=1, cure="Send it again in a second.") from error  # fmt: skip
            await asyncio.sleep(0.005 * 2**attempt)
    raise AssertionError("unreachable")
