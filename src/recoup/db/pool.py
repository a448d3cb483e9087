"""Connections to one database: callers are served first come, first served.

asyncpg's own pool resets a connection on every release, a round trip we do not need. Of the free
connections the one used last goes first, so that those that nobody needs fall idle and can be
closed: each costs the server megabytes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import structlog

from recoup.db.connect import Connector
from recoup.db.roles import APP, READ
from recoup.db.statement import FIRST_CELL, Connection, Read, ReadConnection, Tx
from recoup.db.versions import Schema
from recoup.kernel.measures import REFUSED, WAITS
from recoup.kernel.problem import Problem, in_words
from recoup.kernel.time import DatabaseClocks

LOST: tuple[type[BaseException], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # A primary that was demoted: a new connection finds the present primary.
    asyncpg.ReadOnlySQLTransactionError,
    # The server's own limits, which end the session.
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    ConnectionError,
    FileNotFoundError,
)
# The server's own limits of a statement: it is undone, and the session goes on.
SLOW = (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError)
FULL = (asyncpg.DiskFullError, asyncpg.OutOfMemoryError)
CROWDED = (asyncpg.TooManyConnectionsError,)
# XX001, XX002: it names the file and the page.
DAMAGED = (asyncpg.DataCorruptedError, asyncpg.IndexCorruptedError)
KeyTaken = asyncpg.UniqueViolationError
RETRY = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

T = TypeVar("T")
# Notes a damaged page, and answers what the log says of it.
OnDamage = Callable[[Connection, BaseException], Awaitable[Mapping[str, str]]]
log = structlog.get_logger()


class Away(Problem):
    """The database does not answer. `Database` logs it once a minute: who tries again and again
    need not."""


class StalePlan(Problem):
    """A schema change ended a statement that was prepared before it. Nothing was written;
    `retrying` runs it again."""


IDLE_SECONDS = 30.0
LENT_AFTER_SECONDS = 1.0
REPEAT_SECONDS = 60.0
DAMAGES_MAX = 10
NAMING_SECONDS = 3.0
_AGAIN = "Send it again in a second."


def unavailable(error: BaseException) -> Problem:
    """The answer to a caller when the database cannot take it."""
    kind, why = Problem, "slow"
    if isinstance(error, FULL):
        why, message = "full", "The database has no room left; nothing was written."
    elif isinstance(error, CROWDED):
        why = "crowded"
        message = "The database has no connection left for this; nothing was written."
    elif isinstance(error, DAMAGED):
        why, message = "damaged", "A page of the database is damaged; nothing was written."
    elif isinstance(error, SLOW):
        message = "The database took too long; nothing was written."
    else:
        kind, why, message = (
            Away,
            "away",
            "The database is not reachable; it is not known to have taken this.",
        )
    REFUSED.add(why)
    return kind(
        "unavailable",
        message,
        cure="Send the same call again.",
        retry_after_seconds=2,
        damaged=why == "damaged",
    )


def is_away(error: BaseException) -> bool:
    """True when it is what `Database` logs."""
    return isinstance(error, (Away, *LOST, TimeoutError))


class _Outage:
    """Says once a minute that a database is away, and once that it is back."""

    def __init__(self, database: str) -> None:
        self._database, self._since, self._logged_at = database, 0.0, 0.0
        self._damaged: dict[str, float] = {}

    def goes_on(self, error: BaseException) -> None:
        now = monotonic()
        self._since = self._since or now
        if not self._logged_at or now - self._logged_at >= REPEAT_SECONDS:
            self._logged_at = now
            seconds, why = round(now - self._since), in_words(error)
            log.warning("database away", database=self._database, seconds=seconds, why=why)

    def is_met_anew(self, error: BaseException) -> bool:
        """True once a minute for a page, and for few pages."""
        now, why = monotonic(), str(error)
        self._damaged = {w: at for w, at in self._damaged.items() if now < at + REPEAT_SECONDS}
        is_new = why not in self._damaged and len(self._damaged) < DAMAGES_MAX
        self._damaged |= {why: now} if is_new else {}
        return is_new

    def damaged(self, error: BaseException, page: Mapping[str, str]) -> None:
        why = str(error).partition("\n")[0]
        log.error("database page damaged", database=self._database, why=why, **page)

    def is_over(self) -> None:
        if self._since:
            seconds = round(monotonic() - self._since)
            log.warning("database back", database=self._database, seconds=seconds)
            self._since = self._logged_at = 0.0


class _Slots:
    """Places for connections of one role, each opened when it is first needed. `share`: how many it
    has at first, and gets back whenever it needs them. What it has not used for a second goes to
    the other role's, all but one."""

    def __init__(
        self, role: str, share: int, connect: Callable[[], Awaitable[asyncpg.Connection]]
    ) -> None:
        self._role, self._share, self._places = role, share, share
        self._owed = 0
        self._other = self
        self._connect = connect
        self._free: asyncio.LifoQueue[asyncpg.Connection | None] = asyncio.LifoQueue()
        self._used: dict[asyncpg.Connection, float] = {}
        self._current: set[asyncpg.Connection] = set()  # opened since all were last given up
        self._waiting, self._closed = 0, False
        for _ in range(share):
            self._free.put_nowait(None)

    def beside(self, other: "_Slots") -> None:
        self._other, other._other = other, self

    async def take(self) -> asyncpg.Connection | None:
        """Takes a slot in turn: who comes while others wait stands behind them. None: one that is
        still to be opened."""
        if not self._waiting and not self._free.empty():
            return self._free.get_nowait()
        self._other.lend()
        again = asyncio.get_running_loop().call_later(LENT_AFTER_SECONDS, self._other.lend)
        self._waiting, begun = self._waiting + 1, monotonic()
        try:
            async with asyncio.timeout(10):
                return await self._free.get()
        except TimeoutError:
            REFUSED.add("busy")
            busy = "All database connections are busy."
            raise Problem("unavailable", busy, cure=_AGAIN, retry_after_seconds=1) from None
        finally:
            again.cancel()
            self._waiting -= 1
            WAITS.add(self._role, by=monotonic() - begun)

    async def open(self) -> asyncpg.Connection:
        connection = await self._connect()
        self._current.add(connection)
        return connection

    def give_back(self, connection: asyncpg.Connection | None) -> None:
        """Gives a connection back; None: it is closed."""
        if connection is not None and (self._closed or connection not in self._current):
            connection.terminate()
            connection = None
        elif connection is not None:
            self._used[connection] = monotonic()
        if self._owed and self._places > self._share:
            self._owed -= 1
            self._give_away(connection)
        else:
            self._free.put_nowait(connection)

    def lend(self) -> None:
        """The other role's are all in use. What this one has above its share is due to it, at the
        latest when it is given back."""
        kept = [self._free.get_nowait() for _ in range(self._free.qsize())]
        above, free = self._places > self._share, bool(kept) and not self._waiting
        given = free and self._places > 1 and (above or self._is_idle(kept[-1], LENT_AFTER_SECONDS))
        place = kept.pop() if given else None
        for connection in reversed(kept):
            self._free.put_nowait(connection)
        if given:
            self._give_away(place)
        elif above:
            self._owed = min(self._owed + 1, self._places - self._share)

    def _is_idle(self, connection: asyncpg.Connection | None, seconds: float) -> bool:
        return connection is None or self._used.get(connection, 0) < monotonic() - seconds

    def _give_away(self, connection: asyncpg.Connection | None) -> None:
        if connection is not None:
            self._used.pop(connection, None)
            connection.terminate()
        self._places -= 1
        self._other._places += 1
        self._other._free.put_nowait(None)

    def trim(self) -> None:
        """Closes what nobody has used for a while."""
        self._used = {c: used for c, used in self._used.items() if not c.is_closed()}
        self._current = {c for c in self._current if not c.is_closed()}
        kept = [self._free.get_nowait() for _ in range(self._free.qsize())]
        for connection in reversed(kept):
            idle = self._is_idle(connection, IDLE_SECONDS)
            if idle and connection is not None:
                self._used.pop(connection, None)
                connection.terminate()
            self._free.put_nowait(None if idle else connection)

    def renew(self) -> None:
        """Gives up all, those in use when they come back."""
        self._current.clear()
        for _ in range(self._free.qsize()):
            connection = self._free.get_nowait()
            if connection is not None:
                self._used.pop(connection, None)
                connection.terminate()
            self._free.put_nowait(None)

    def close(self) -> None:
        """Closes the slots; what is in use ends when it is given back."""
        self._closed = True
        for _ in range(self._free.qsize()):
            connection = self._free.get_nowait()
            if connection is not None and not connection.is_closed():
                connection.terminate()


class Each:
    """Reads each time by a connection of its own: for one statement, `await find_order(world.db,
    …)`."""

    def __init__(self, lend: Callable[[], AbstractAsyncContextManager[Read]]) -> None:
        self._lend = lend

    async def fetch(self, query: str, *args: object, **options: Any) -> Any:
        async with self._lend() as connection:
            return await connection.fetch(query, *args, **options)

    async def fetchrow(self, query: str, *args: object, **options: Any) -> Any:
        async with self._lend() as connection:
            return await connection.fetchrow(query, *args, **options)

    async def fetchval(self, query: str, *args: object, **options: Any) -> Any:
        async with self._lend() as connection:
            return await connection.fetchval(query, *args, **options)


class Alone(Each):
    """Writes, too: each statement is a transaction by itself."""

    def __init__(self, lend: Callable[[], AbstractAsyncContextManager[Connection]]) -> None:
        super().__init__(lend)
        self._lend_tx = lend

    async def execute(self, query: str, *args: object, **options: Any) -> str:
        async with self._lend_tx() as connection:
            return await connection.execute(query, *args, **options)


class Database(Each):
    """A bounded set of connections to one database: those of flows are `recoup_app`, those that
    doors read by are `recoup_read`, which PostgreSQL lets write nothing. Safe for one event loop.
    With `clocks`, it keeps them right.

    `reader`: for one statement of a door; `alone`: for one of a flow that writes.
    """

    def __init__(
        self,
        dsn: str,
        *,
        size: int = 12,
        reads: int | None = None,
        name: str = "recoup",
        clocks: DatabaseClocks | None = None,
        schema: Schema | None = None,
        is_replica: bool = False,
        pooler: str = "",
        cell: int = FIRST_CELL,
    ) -> None:
        """`size`: of both kinds; `reads`: how many of them doors may count on, a third when it is
        not said. Each kind has one at least, and lends what it does not use. `clocks`: they are
        told this database's time, with each connection and once a minute. `schema`: which the
        database must have, see `versions`. `is_replica`: a standby will do.
        `pooler`: another address of it, for all but what needs a session of its own. `cell`: whose
        tables are its merchants'."""
        super().__init__(lambda: self.connection())
        self.reader, self.alone = Each(lambda: self.read()), Alone(lambda: self._writes())
        self.dsn, self._clocks = dsn, clocks
        wanted, what = ("prefer-standby", " (replica)") if is_replica else ("read-write", "")
        self._connector = self._direct = Connector(dsn, name, clocks, schema, wanted, cell=cell)
        if pooler:
            self._connector = Connector(pooler, name, clocks, schema, wanted, is_pooled=True)
        self._present: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()
        reads = max(1, size // 3 if reads is None else reads)
        self._outage = _Outage(f"{urlsplit(dsn).path.lstrip('/')}{what}")
        self._of_flows = _Slots("write", max(1, size - reads), partial(self._connect, APP))
        self._of_doors = _Slots("read", reads, partial(self._connect, READ))
        self._of_flows.beside(self._of_doors)
        # What else a new connection has to pass; what raises where nothing may be written now.
        self.greeted: Callable[[Read], Awaitable[None]] | None = None
        self.before_write: Callable[[], None] | None = None
        self.on_damage: OnDamage | None = None
        self._trimmer: asyncio.Task[None] | None = None

    async def open(self) -> "Database":
        """Connects lazily, so that a door can start while its database is still coming up."""
        if self._trimmer is None:
            self._trimmer = asyncio.create_task(self._trim())
        return self

    async def _trim(self) -> None:
        while True:
            await asyncio.sleep(IDLE_SECONDS / 2)
            for slots in (self._of_flows, self._of_doors):
                slots.trim()

    async def close(self) -> None:
        """Closes the pools; what is in use ends when it is given back."""
        if self._trimmer is not None:
            self._trimmer.cancel()
        self._of_flows.close()
        self._of_doors.close()
        if self._present is not None:
            self._present.terminate()

    async def _connect(self, role: str) -> asyncpg.Connection:
        return await self._open(self._connector, role)

    async def _open(self, connector: Connector, role: str) -> asyncpg.Connection:
        try:
            if connector is not self._direct:
                await self._be_present()
            connection = await connector.connect(role)
        except (*LOST, *FULL, *CROWDED, TimeoutError, Problem) as error:
            self._outage.goes_on(error)
            raise
        self._outage.is_over()
        if self.greeted is not None:
            try:
                await self.greeted(connection)
            except BaseException:
                connection.terminate()
                raise
        return connection

    async def _be_present(self) -> None:
        """Behind a pooler a session of this process's own says its schema, and ends with its
        server: then no pooled connection may go on, which another server may serve."""
        async with self._turn:
            if self._present is None or self._present.is_closed():
                self._present = await self._direct.connect(APP)
                self._present.add_termination_listener(lambda _: self._renew())

    def _renew(self) -> None:
        """Gives up all connections: what is wrong with one is wrong with each."""
        self._of_flows.renew()
        self._of_doors.renew()

    def move(self, dsn: str) -> None:
        """Goes on at another server that has the same."""
        self.dsn = self._direct.dsn = dsn
        self._renew()

    async def measure(self) -> None:
        """Asks for the database's time. Raises: Problem(unavailable)."""
        async with self.connection() as connection:
            if self._clocks is not None:
                started = self._clocks.monotonic()
                at = await connection.fetchval("SELECT clock_timestamp()")
                self._clocks.measured(at, started, self._clocks.monotonic())

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """Lends a connection to a flow. Raises: Problem(unavailable) when none comes free in 10 s
        or the database cannot be reached."""
        return self._lent(self._of_flows)

    def read(self) -> AbstractAsyncContextManager[ReadConnection]:
        """Lends a connection to a door: what writes by it is an error of PostgreSQL's (42501).
        Raises: as `connection` does."""
        return self._lent(self._of_doors)

    @asynccontextmanager
    async def _lent(self, slots: _Slots) -> AsyncIterator[asyncpg.Connection]:
        connection = await slots.take()
        try:
            if connection is None or connection.is_closed():
                connection = None
                connection = await slots.open()
            yield connection
        except (*LOST, *FULL, *CROWDED, *SLOW, *DAMAGED, TimeoutError) as error:
            is_lost = isinstance(error, (*LOST, TimeoutError))
            if connection is not None and (is_lost or connection.is_in_transaction()):
                connection.terminate()
                connection = None
            if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                self._renew()
            if isinstance(error, DAMAGED) and self._outage.is_met_anew(error):
                self._outage.damaged(error, await self._named(error))
            raise unavailable(error) from error
        except asyncpg.InvalidCachedStatementError as error:
            self._renew()
            raise StalePlan(
                "unavailable",
                "The database's schema has just changed; nothing was written.",
                cure="Send the same call again.",
                retry_after_seconds=1,
            ) from error
        except Exception:
            if connection is not None and (
                connection.is_in_transaction() or connection.is_closed()
            ):
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
            slots.give_back(connection)

    async def _named(self, error: BaseException) -> Mapping[str, str]:
        if self.on_damage is not None:
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, Problem):
                async with asyncio.timeout(NAMING_SECONDS), self.apart() as connection:
                    return await self.on_damage(connection, error)
        return {}

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[asyncpg.Connection]:
        """Opens a connection beside the others, for who keeps it: a listener. Raises: what the
        driver does."""
        is_pooled = self._connector is not self._direct
        connection = await (self._open(self._direct, APP) if is_pooled else self._connect(APP))
        try:
            yield connection
        finally:
            connection.terminate()

    def _writes(self) -> AbstractAsyncContextManager[Connection]:
        if self.before_write is not None:
            self.before_write()
        return self.connection()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        async with self._writes() as connection, connection.transaction():
            yield connection

    async def execute(self, sql: str, *args: Any) -> str:
        async with self._writes() as connection:
            return await connection.execute(sql, *args)


async def retrying(work: Callable[[], Awaitable[T]], *, tries: int = 6) -> T:
    """Runs a whole transaction again, with a growing pause, when PostgreSQL asks for it (40001,
    40P01) or when a schema change has ended one of its statements."""
    for attempt in range(tries):
        try:
            return await work()
        except (*RETRY, StalePlan) as error:
            if attempt == tries - 1:
                busy = "Too much contention on this record."
                raise Problem("unavailable", busy, cure=_AGAIN, retry_after_seconds=1) from error
            await asyncio.sleep(0.005 * 2**attempt)
    raise AssertionError("unreachable")
