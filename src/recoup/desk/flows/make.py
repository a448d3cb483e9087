"""Due work `export`: the file is written as of one moment, and is there when it is whole.

A run that ends early, however, leaves a file that nobody may fetch; the next one begins anew under
a number of its own.
"""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import IO, Any, Final
from uuid import UUID

import structlog

from recoup.db.pool import retrying
from recoup.db.statement import ReadConnection
from recoup.desk.flows.ask import wanted_of
from recoup.desk.flows.folder import check_room, create, drop, file_of, finish
from recoup.desk.moves.export import end_export
from recoup.desk.store.exports import Export, all_orders, beat, begin_run, others_running
from recoup.desk.store.order_counts import count_orders
from recoup.kernel.problem import Problem, cut, in_words
from recoup.kit.sheet import ROWS_MAX, Sheet, too_many
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.orders.store.due_work import LEASE, Due, hand_back, postpone

log = structlog.get_logger()
RUNNING_MAX: Final = 2
TURN: Final = timedelta(seconds=3)
BEAT_SECONDS: Final = 1.0
TRIES_MAX: Final = 5
REFUSED: Final = frozenset({"invalid", "too_large"})


class _OverError(Exception):
    """Raised when it was cancelled, or another run has taken over."""


async def make_export(world: World, due: Due) -> None:
    """Raises: what the database or the disk said; it is tried again, at most TRIES_MAX times."""
    key, wall = (due.merchant_id, due.subject_id), world.clocks.wall()
    if await others_running(world.db, *key, wall - LEASE) >= RUNNING_MAX:
        await hand_back(world.db.alone, due, wall + TURN)
        return
    run = await _begin(world, key)
    if run is None:
        return
    drop(file_of(world, *key, run.run_no - 1))
    making = _Making(world, due, run)
    try:
        await making.write()
    except _OverError:
        making.drop()
    except asyncio.CancelledError:
        making.drop()
        await hand_back(world.db.alone, due)  # a worker that shall end does not wait for a file
        raise
    except Exception as error:
        making.drop()
        refused = isinstance(error, Problem) and error.code in REFUSED
        if not refused and due.tries < TRIES_MAX:
            raise
        log.warning("export refused", export=str(due.subject_id), error=in_words(error)[:200])
        await making.end(
            in_words(error) if refused else "Something went wrong on our side, several times."
        )
    else:
        await (
            making.end()
        )  # the file stays even if the answer gets lost: what nobody may fetch is swept


async def _begin(world: World, key: tuple[UUID, UUID]) -> Export | None:
    async def once() -> Export | None:
        async with world.db.transaction() as tx:
            return await begin_run(tx, *key, world.clocks.wall())

    return await retrying(once)


class _Making:
    """Making of an export in one run."""

    def __init__(self, world: World, due: Due, run: Export) -> None:
        self._world, self._due, self._run = world, due, run
        self._key = (due.merchant_id, due.subject_id)
        self._path = file_of(world, *self._key, run.run_no)
        self._rows = self._size = 0
        self._total: int | None = None
        self._beat_at = 0.0
        self._file: IO[bytes] | None = None
        self._sheet: Sheet | None = None

    async def write(self) -> None:
        """Raises: _OverError; Problem."""
        wanted = wanted_of(self._run.wanted, self._due.merchant_id)
        table, form = wanted.table(), self._run.form
        self._file = file = create(self._path)
        self._sheet = sheet = Sheet("Orders", table.heads, file) if form == "xlsx" else None
        async with self._world.db.connection() as connection:
            await self._count(connection, wanted.filter)
            batches = all_orders(
                connection, wanted.filter, wanted.by, table.fields, newest_first=wanted.newest_first
            )
            file.write(b"" if sheet else table.head(form))
            async with aclosing(batches):  # type: ignore[type-var]
                async for rows in batches:
                    if sheet is not None:
                        await run_stoppable(sheet.add, table.cells(rows))
                    else:
                        file.write(table.body(form, rows, first=self._rows == 0))
                    self._rows += len(rows)
                    await self._progress(file)
        if sheet is not None:
            await run_stoppable(sheet.close)
        else:
            file.write(table.tail(form, empty=self._rows == 0))
        self._size = file.tell()
        check_room(self._path, self._size)
        try:
            await run_stoppable(finish, file, self._path)
        except FileNotFoundError as error:
            raise _OverError from error  # the run that took over has thrown this one's file away

    async def _count(self, connection: ReadConnection, narrowed: Any) -> None:
        """Counts orders for the progress, when it takes no time."""
        count = await count_orders(connection, narrowed, exact=True)
        self._total = count.value if count.exact else None
        if self._run.form == "xlsx" and count.value > ROWS_MAX:
            raise too_many()

    async def _progress(self, file: IO[bytes]) -> None:
        """Reports once a second: how far it is, that somebody is at it, and whether there is
        room."""
        now = self._world.clocks.monotonic()
        if now < self._beat_at:
            return
        self._beat_at, self._size, wall = now + BEAT_SECONDS, file.tell(), self._world.clocks.wall()
        check_room(self._path, self._size)
        if not await beat(
            self._world.db.alone,
            *self._key,
            self._run.run_no,
            self._rows,
            self._size,
            self._total,
            wall,
        ):
            raise _OverError
        await postpone(self._world.db.alone, self._due, wall + LEASE, "")

    async def end(self, refused: str | None = None) -> None:
        async def once() -> bool:
            async with self._world.db.transaction() as tx:
                return await end_export(
                    tx,
                    self._key,
                    self._run.run_no,
                    self._world.clocks.wall(),
                    rows=self._rows,
                    size=self._size,
                    refused=cut(refused, 300) if refused else None,
                )

        if not await retrying(once):
            self.drop()

    def drop(self) -> None:
        """Drops everything of this run."""
        if self._sheet is not None:
            self._sheet.drop()
        if self._file is not None:
            self._file.close()
        drop(self._path)
