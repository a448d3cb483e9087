"""The statements that a flow runs, written down while it runs alone: pgbench is given these and no
others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from recoup.db.pool import Database
from recoup.kernel.time import wall_ms

# What the driver asks on its own, once a connection, to learn of types.
_DRIVERS_OWN: Final = ("typeinfo_tree", "set_config('jit'")


async def next_millisecond() -> int:
    """Unix milliseconds: no id made before reaches them, every id made from now on does."""
    begin = wall_ms() + 1
    while wall_ms() < begin:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.0005)
    return begin


@dataclass(frozen=True, slots=True)
class Statement:
    sql: str
    args: tuple[Any, ...] = ()

    @property
    def reads(self) -> bool:
        return self.sql.lstrip().upper().startswith(("SELECT", "WITH"))


class RecordingDatabase(Database):
    """A pool whose statements can be written down."""

    def __init__(self, dsn: str, **more: Any) -> None:
        super().__init__(dsn, **more)
        self._noted: list[Statement] | None = None

    async def _connect(self, role: str) -> asyncpg.Connection:
        connection = await super()._connect(role)
        connection.add_query_logger(self._note)
        return connection

    def _note(self, query: Any) -> None:
        if self._noted is not None and not any(word in query.query for word in _DRIVERS_OWN):
            self._noted.append(Statement(query.query, tuple(query.args)))

    @asynccontextmanager
    async def recorded(self) -> AsyncIterator[list[Statement]]:
        """Everything that runs inside; complete when it is left."""
        noted: list[Statement] = []
        self._noted = noted
        try:
            yield noted
            await asyncio.sleep(0.01)  # the driver reports a moment later
        finally:
            self._noted = None
