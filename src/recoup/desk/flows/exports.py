"""Exports: somebody asks for a file of a long list, fixed at the request, fetches it when it is
ready, or calls it off. Due work `export` writes it as of one moment, part by part into the
database; it is there when it is whole, and dropped when nobody may have it any more.

A run that ends early leaves parts that nobody may fetch; the next one drops them and begins anew,
under an id of its own. Each part is kept beside a beat of its run: one that was overtaken keeps
none."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from tempfile import TemporaryFile
from typing import IO, Any, Final
from uuid import UUID

import msgspec
import structlog

from recoup.audit.moves import note
from recoup.db.pool import retrying
from recoup.db.statement import Connection, ReadConnection, Tx
from recoup.desk.flows.export_file import (
    PART_BYTES,
    Parts,
    check_room,
    content_of,
    drop_over,
    forget_former,
    former_path,
    gone,
)
from recoup.desk.moves import (
    KEPT,
    STANDING_MAX,
    UNDER_WAY_MAX,
    call_off,
    end_export,
    take_export,
)
from recoup.desk.store.columns import cells_of
from recoup.desk.store.export_parts import add_part, drop_parts
from recoup.desk.store.exports import (
    Export,
    NewExport,
    all_orders,
    beat,
    begin_run,
    find_export,
    forget_exports,
    others_running,
)
from recoup.desk.store.order_counts import count_orders
from recoup.desk.store.order_cursor import OrderBy
from recoup.desk.store.order_filter import OrderFilter
from recoup.kernel.encode import to_plain
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.kept_sentence import keep
from recoup.kernel.problem import Problem, Sentence, cut, in_words
from recoup.kernel.scope import Scope
from recoup.kit.lists.table import Table
from recoup.kit.personal import SHOWN
from recoup.kit.sheet import ROWS_MAX, Sheet, too_many
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.orders.store.due_work import LEASE, Due, hand_back, postpone


async def forget_files(world: World) -> None:
    await forget_exports(world.db.alone, world.clocks.wall(), KEPT)
    await drop_over(world)
    await forget_former(world)


@frozen
class ExportQuery:
    """The list: its filters, order, columns and zone."""

    filter: OrderFilter
    by: OrderBy
    newest_first: bool
    columns: tuple[str, ...]
    zone: str

    def table(self) -> Table:
        return Table(cells_of(self.columns, self.zone, masked=self.filter.sight != SHOWN))

    def kept(self) -> Any:
        """The query as plain values."""
        return to_plain(self)


def wanted_of(kept: Any, merchant_id: UUID) -> ExportQuery:
    """Whatever it says, of this merchant's orders only."""
    query = msgspec.convert(kept, ExportQuery, strict=False)
    return replace(query, filter=replace(query.filter, merchant_id=merchant_id))


async def ask_for_file(
    world: World,
    scope: Scope,
    user_id: UUID,
    key: UUID,
    query: ExportQuery,
    *,
    form: str,
    labels: Sequence[str],
    file_name: str,
) -> None:
    """The worker makes it. `key` is the form's own, and names the export: the same form again asks
    for nothing more.

    Raises: Problem(conflict) when there are as many as there may be.
    """
    wall = world.clocks.wall()
    new = NewExport(
        scope.merchant_id,
        key,
        user_id,
        form,
        query.kept(),
        list(map(keep, labels)),
        file_name,
        scope.request_id,
        wall,
    )

    async def once() -> bool:
        async with world.db.transaction() as tx:
            if await take_export(tx, new):
                await note(
                    tx, scope, wall, "export.asked", key, {"form": form, "columns": query.columns}
                )
                return True
            return await find_export(tx, scope.merchant_id, user_id, key) is not None

    if not await retrying(once):
        message = Sentence(
            "You have {0} exports under way, or this merchant has {1} stored exports.",
            UNDER_WAY_MAX,
            STANDING_MAX,
        )
        raise Problem("conflict", message, cure="Wait until one finishes, or delete one.")


async def one_export(world: World, merchant_id: UUID, user_id: UUID, export_id: UUID) -> Export:
    """Raises: Problem(not_found), also for another person's and another merchant's."""
    row = await find_export(world.db, merchant_id, user_id, export_id)
    if row is None:
        raise Problem(
            "not_found",
            "There is no such file of yours at this merchant.",
            cure="It may belong to another merchant: switch first; otherwise export again.",
        )
    return row


async def fetch(world: World, scope: Scope, row: Export) -> AsyncIterator[bytes]:
    """The file; that it is fetched is noted. Raises: Problem(not_found) before it is ready and
    after it is gone."""
    is_ready = row.state == "ready" and not row.is_over(world.clocks.wall())
    content = await content_of(world, row) if is_ready else None
    if content is None:
        message = (
            "The file was deleted." if row.state in ("ready", "gone") else "The file is not ready."
        )
        raise gone(message)
    async with world.db.transaction() as tx:
        facts = {"form": row.form, "orders": row.rows_done}
        await note(tx, scope, world.clocks.wall(), "export.fetched", row.export_id, facts)
    return content


async def cancel_export(world: World, merchant_id: UUID, user_id: UUID, export_id: UUID) -> None:
    """Cancels an export: what is under way ends, what is ready is deleted; what has ended stays so.
    Raises: Problem(not_found)."""
    row = await one_export(world, merchant_id, user_id, export_id)

    async def once() -> None:
        async with world.db.transaction() as tx:
            await call_off(tx, (merchant_id, export_id), user_id, world.clocks.wall())

    await retrying(once)
    await drop_over(world)
    if (path := await former_path(world, row)) is not None:
        path.unlink(missing_ok=True)


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
    making = _Making(world, due, run)
    try:
        await making.write()
    except _OverError:
        await making.drop()
        await drop_over(world)
    except asyncio.CancelledError:
        await making.drop()
        await hand_back(world.db.alone, due)  # a worker that shall end does not wait for a file
        raise
    except Exception as error:
        await making.drop()
        refused = isinstance(error, Problem) and error.code in REFUSED
        if not refused and due.tries < TRIES_MAX:
            raise
        log.warning("export refused", export=str(due.subject_id), error=in_words(error)[:200])
        await making.end(
            in_words(error) if refused else "Something went wrong on our side, several times."
        )
    else:
        await making.end()


async def _begin(world: World, key: tuple[UUID, UUID]) -> Export | None:
    async def once() -> Export | None:
        async with world.db.transaction() as tx:
            return await begin_run(tx, *key, world.clocks.wall(), new_id())

    return await retrying(once)


class _Making:
    """Making of an export in one run."""

    def __init__(self, world: World, due: Due, run: Export) -> None:
        self._world, self._due, self._run = world, due, run
        self._key = (due.merchant_id, due.subject_id)
        self._rows = 0
        self._total: int | None = None
        self._beat_at = 0.0
        self._parts = Parts(self._keep)
        self._file: IO[bytes] | None = None  # of a sheet, which is written to its end first
        self._sheet: Sheet | None = None

    async def write(self) -> None:
        """Raises: _OverError; Problem."""
        await self._world.read_long(self._read)
        if self._sheet is not None and self._file is not None:
            await run_stoppable(self._sheet.close)
            self._file.seek(0)
            while piece := self._file.read(PART_BYTES):
                self._parts.write(piece)
                await self._parts.flush()
        await self._parts.flush(least=1)
        await self._parts.kept()
        check_room(self._world, self._parts.size)

    async def _keep(self, part_no: int, packed: bytes) -> None:
        check_room(self._world, self._parts.size)
        async with self._world.db.transaction() as tx:
            await self._beat(tx)
            assert self._run.run_id is not None
            await add_part(tx, self._run.merchant_id, self._run.run_id, part_no, packed)

    async def _beat(self, db: Tx) -> None:
        """Raises: _OverError."""
        wall = self._world.clocks.wall()
        run_no, rows, size = self._run.run_no, self._rows, self._size
        if not await beat(db, *self._key, run_no, rows, size, self._total, wall):
            raise _OverError

    @property
    def _size(self) -> int:
        return max(self._parts.size, self._file.tell() if self._file is not None else 0)

    async def _read(self, connection: Connection) -> None:
        """Writes everything but the end of a sheet, anew where a replica broke off."""
        await self.drop()
        if self._parts.count and self._run.run_id is not None:
            await drop_parts(self._world.db.alone, self._run.merchant_id, self._run.run_id)
        self._rows = 0
        self._parts = parts = Parts(self._keep)
        wanted = wanted_of(self._run.wanted, self._due.merchant_id)
        table, form = wanted.table(), self._run.form
        sheet: Sheet | None = None
        if form == "xlsx":
            self._file = TemporaryFile()  # noqa: SIM115 - closed by `drop`
            self._sheet = sheet = Sheet("Orders", table.heads, self._file)
        await self._count(connection, wanted.filter)
        batches = all_orders(
            connection, wanted.filter, wanted.by, table.fields, newest_first=wanted.newest_first
        )
        if sheet is None:
            parts.write(table.head(form))
        async with aclosing(batches):  # type: ignore[type-var]
            async for rows in batches:
                if sheet is not None:
                    await run_stoppable(sheet.add, table.cells(rows))
                else:
                    parts.write(table.body(form, rows, first=self._rows == 0))
                self._rows += len(rows)
                await parts.flush()
                await self._progress()
        if sheet is None:
            parts.write(table.tail(form, empty=self._rows == 0))

    async def _count(self, connection: ReadConnection, narrowed: Any) -> None:
        """Counts orders for the progress, when it takes no time."""
        count = await count_orders(connection, narrowed, exact=True)
        self._total = count.value if count.exact else None
        if self._run.form == "xlsx" and count.value > ROWS_MAX:
            raise too_many()

    async def _progress(self) -> None:
        """Reports once a second: how far it is, that somebody is at it, and whether there is
        room."""
        now = self._world.clocks.monotonic()
        if now < self._beat_at:
            return
        self._beat_at = now + BEAT_SECONDS
        check_room(self._world, self._size)
        await self._beat(self._world.db.alone)
        await postpone(self._world.db.alone, self._due, self._world.clocks.wall() + LEASE, "")

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
                    parts=self._parts.count,
                    refused=cut(refused, 300) if refused else None,
                )

        ended = await retrying(once)
        await self.drop()
        if refused or not ended:
            await drop_over(self._world)

    async def drop(self) -> None:
        """Keeps nothing more, and closes what it wrote on this machine."""
        await self._parts.stop()
        if self._sheet is not None:
            self._sheet.drop()
        if self._file is not None:
            self._file.close()
        self._sheet = self._file = None
