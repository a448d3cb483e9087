"""Exports: somebody asks for a file of a long list, fixed at the request, fetches it when it is
ready, or calls it off. Due work `export` writes it as of one moment, into a folder that only we
read; it is there when it is whole, and swept when nobody may have it any more.

A run that ends early, however, leaves a file that nobody may fetch; the next one begins anew under
a number of its own."""

import asyncio
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID

import msgspec
import structlog

from recoup.audit.moves import note
from recoup.db.pool import retrying
from recoup.db.statement import Connection, ReadConnection
from recoup.desk.moves import STANDING_MAX, UNDER_WAY_MAX, call_off, end_export, take_export
from recoup.desk.store.columns import cells_of
from recoup.desk.store.exports import (
    Export,
    NewExport,
    all_orders,
    beat,
    begin_run,
    find_export,
    forget_exports,
    is_only_one,
    living,
    others_running,
)
from recoup.desk.store.order_counts import count_orders
from recoup.desk.store.order_cursor import OrderBy
from recoup.desk.store.order_filter import OrderFilter
from recoup.kernel.encode import to_plain
from recoup.kernel.frozen import frozen
from recoup.kernel.kept_sentence import keep
from recoup.kernel.problem import Problem, Sentence, cut, in_words
from recoup.kernel.scope import Scope
from recoup.kit.lists.table import Table
from recoup.kit.personal import SHOWN
from recoup.kit.sheet import ROWS_MAX, Sheet, too_many
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.orders.store.due_work import LEASE, Due, hand_back, postpone

BYTES_MAX: Final = 4 << 30
FREE_MIN: Final = 1 << 30
_NAME: Final = re.compile(r"(?:([0-9a-f]{32})\.)?([0-9a-f]{32})\.([0-9]{1,9})(\.part)?")


def folder_of(world: World) -> Path:
    """Raises: Problem(unavailable) where there is none."""
    folder = world.exports
    if folder is None:
        raise Problem(
            "unavailable", "This installation has no folder for exports.", cure="Narrow the list."
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def file_of(world: World, merchant_id: UUID, export_id: UUID, run_no: int) -> Path:
    """An export's id is the caller's own: two merchants may choose the same."""
    return folder_of(world) / f"{merchant_id.hex}.{export_id.hex}.{run_no}"


def former_file_of(world: World, export_id: UUID, run_no: int) -> Path:
    """The path where the release before wrote it."""
    return folder_of(world) / f"{export_id.hex}.{run_no}"


def create(path: Path) -> IO[bytes]:
    """A new file of mode 0600, which becomes `path` by `finish`."""
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    return os.fdopen(os.open(_part(path), flags, 0o600), "w+b")


def finish(file: IO[bytes], path: Path) -> None:
    """Puts the file on the disk under its name, whole."""
    file.flush()
    os.fsync(file.fileno())
    file.close()
    os.replace(_part(path), path)


def drop(path: Path) -> None:
    for file in (_part(path), path):
        file.unlink(missing_ok=True)


def check_room(path: Path, size: int) -> None:
    """Raises: Problem(too_large); Problem(no_space) while the disk is nearly full."""
    if size > BYTES_MAX:
        raise Problem(
            "too_large",
            Sentence("The file is larger than {0} GB.", BYTES_MAX >> 30),
            cure="Narrow the list, or choose fewer columns.",
        )
    if shutil.disk_usage(path.parent).free < FREE_MIN:
        raise Problem(
            "no_space",
            "There is no disk space left for exports.",
            cure="Ask the operator to free space.",
        )


def lying(world: World) -> Iterator[tuple[UUID | None, UUID, int, Path]]:
    """Every file of an export, finished or not: of which merchant, export and run it is. A file
    that the release before wrote does not name its merchant."""
    with suppress(FileNotFoundError):
        for path in folder_of(world).iterdir():
            if match := _NAME.fullmatch(path.name):
                yield (
                    UUID(hex=match[1]) if match[1] else None,
                    UUID(hex=match[2]),
                    int(match[3]),
                    path,
                )


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


async def forget_files(world: World) -> None:
    if world.exports is None:
        return
    await forget_exports(world.db.alone, world.clocks.wall())
    files = list(lying(world))
    if not files:
        return
    known = set(await living(world.db, list({export_id for _, export_id, _, _ in files})))
    unnamed = {(export_id, run_no) for _, export_id, run_no in known}
    for merchant_id, export_id, run_no, path in files:
        if merchant_id is None and (export_id, run_no) in unnamed:
            continue
        if (merchant_id, export_id, run_no) not in known:
            path.unlink(missing_ok=True)


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

    Raises: Problem(conflict) when there are as many as there may be; Problem(unavailable) without a
    place for files.
    """
    folder_of(world)
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


async def fetch(world: World, scope: Scope, row: Export) -> Path:
    """The file; that it is fetched is noted. Raises: Problem(not_found) before it is ready and
    after it is gone."""
    path = await _file(world, row)
    if row.state != "ready" or row.is_over(world.clocks.wall()) or not path.is_file():
        message = (
            "The file was deleted." if row.state in ("ready", "gone") else "The file is not ready."
        )
        raise Problem(
            "not_found",
            message,
            cure="The page Exports shows the progress; otherwise export again.",
        )
    async with world.db.transaction() as tx:
        facts = {"form": row.form, "orders": row.rows_done}
        await note(tx, scope, world.clocks.wall(), "export.fetched", row.export_id, facts)
    return path


async def _file(world: World, row: Export) -> Path:
    """The file of an export, also as the release before wrote it, if it can be no other
    merchant's."""
    path = file_of(world, row.merchant_id, row.export_id, row.run_no)
    former = former_file_of(world, row.export_id, row.run_no)
    if path.is_file() or not former.is_file():
        return path
    return former if await is_only_one(world.db, row.export_id) else path


async def cancel_export(world: World, merchant_id: UUID, user_id: UUID, export_id: UUID) -> None:
    """Cancels an export: what is under way ends, what is ready is deleted; what has ended stays so.
    Raises: Problem(not_found)."""
    row = await one_export(world, merchant_id, user_id, export_id)

    async def once() -> None:
        async with world.db.transaction() as tx:
            await call_off(tx, (merchant_id, export_id), user_id, world.clocks.wall())

    await retrying(once)
    drop(await _file(world, row))


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
        await self._world.read_long(self._read)
        assert self._file is not None
        if self._sheet is not None:
            await run_stoppable(self._sheet.close)
        self._size = self._file.tell()
        check_room(self._path, self._size)
        try:
            await run_stoppable(finish, self._file, self._path)
        except FileNotFoundError as error:
            raise _OverError from error  # the run that took over has thrown this one's file away

    async def _read(self, connection: Connection) -> None:
        """Writes everything but the end of a sheet, anew where a replica broke off."""
        self.drop()
        self._rows = 0
        wanted = wanted_of(self._run.wanted, self._due.merchant_id)
        table, form = wanted.table(), self._run.form
        self._file = file = create(self._path)
        self._sheet = sheet = Sheet("Orders", table.heads, file) if form == "xlsx" else None
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
        if sheet is None:
            file.write(table.tail(form, empty=self._rows == 0))

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
