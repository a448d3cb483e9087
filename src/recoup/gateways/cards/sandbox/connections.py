"""The issuer's own few connections, so that its commits never share a fate with ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg

Connect = Callable[[], Awaitable[asyncpg.Connection]]

LOST: tuple[type[BaseException], ...] = (
    asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError,
)  # fmt: skip


class Connections:
    """At most `size` connections, opened when first needed, the last used first; first come, first served."""

    def __init__(self, source: str | Connect, size: int) -> None:
        self._source, self._size = source, size
        self._free: asyncio.LifoQueue[asyncpg.Connection | None] | None = None

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
            if connection is not None and (connection.is_closed() or connection.is_in_transaction()):
                connection.terminate()
                connection = None
            raise
        except BaseException:
            # Cut off in the middle: a BEGIN that nobody has read the answer of would swallow what the next one commits.
            if connection is not None:
                connection.terminate()
                connection = None
            raise
        finally:
            free.put_nowait(connection)

    async def close(self) -> None:
        for _ in range(self._size):
            connection = await self._queue().get()
            if connection is not None and not connection.is_closed():
                await connection.close(timeout=5)
        self._free = None

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
