"""Orders leave for an archive, and come back."""

import gzip
import hashlib
import os
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from recoup.archive.rules import (
    KEPT_MONTHS,
    ProvedArchive,
    end_line,
    head_line,
    order_line,
    prove,
)
from recoup.archive.store import (
    Archive,
    Booked,
    add_archive,
    booked,
    ended_orders,
    find_archive,
    list_archives,
    lock_gone,
    lock_orders,
    next_order,
    note_taken_out,
    put_back,
    read_rows,
    take_out,
)
from recoup.db.connect import connect, speak_json
from recoup.db.partitions import bound_of
from recoup.db.statement import Connection, Read
from recoup.kernel.ids import LOWEST, first_id_of, new_id
from recoup.kernel.private_files import sync_folder
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.proved_file import LINE_BYTES_MAX, Wrong
from recoup.kit.world import World
from recoup.merchants.flows.cells import home_of
from recoup.notifications.store.alerts import lock_feed
from recoup.orders.rules.lifecycle import ENDED

AT_ONCE: Final = 200
ALL: Final = 2**31 - 1
_STAGES: Final = sorted(stage.value for stage in ENDED)
_decode: Final = msgspec.json.Decoder().decode
Tell = Callable[[int], None]


def leaves_before(wall: datetime) -> date:
    """The first month that has to stay."""
    months = wall.year * 12 + wall.month - 1 - KEPT_MONTHS
    return date(months // 12, months % 12 + 1, 1)


async def archives_of(world: World, merchant_id: UUID) -> list[Archive]:
    return await list_archives(world.db.reader, merchant_id)


async def months_to_leave(world: World, merchant_id: UUID) -> list[date]:
    """Months of orders that are old enough and in the database, the oldest first."""
    last, months = leaves_before(world.clocks.wall()), list[date]()
    after: UUID | None = LOWEST
    while after is not None and (after := await next_order(world.db.reader, merchant_id, after)):
        month = bound_of(after).date().replace(day=1)
        if month >= last:
            break
        months.append(month)
        after = _ends(month)[1]
    return months


async def write_archive(
    world: World,
    merchant_id: UUID,
    month: date,
    folder: Path,
    *,
    again: bool = False,
    tell: Tell = lambda _: None,
) -> Archive | None:
    """Writes a file of the month's ended orders; None where there are none.

    Raises: Problem(invalid) for a month that has to stay, Problem(conflict) for one that was
    written and not taken out, unless `again`.
    """
    wall = world.clocks.wall()
    if month >= (last := leaves_before(wall)):
        message = Sentence("Orders stay for {0} months.", KEPT_MONTHS)
        raise invalid(message, "month", Sentence("Name a month before {0}.", f"{last:%Y-%m}"))
    for archive in await archives_of(world, merchant_id):
        if archive.month == month and archive.taken_out_at is None and not again:
            raise Problem(
                "conflict",
                Sentence("{0} was written already, into {1}.", f"{month:%Y-%m}", archive.file),
                cure="Take it out: `recoup archive take-out FILE`; or write another with --again.",
            )
    archive_id = new_id()
    path = folder / f"orders-{month:%Y-%m}-{merchant_id}-{archive_id.hex[-8:]}.jsonl.gz"
    draft = path.with_name(path.name + ".part")
    try:
        with draft.open("wb") as raw:
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
                orders, root = await _write(world, merchant_id, archive_id, month, file, tell)
            raw.flush()
            os.fsync(raw.fileno())
        if not orders:
            return None
        draft.replace(path)
        sync_folder(folder)
    finally:
        draft.unlink(missing_ok=True)
    async with world.db.transaction() as tx:
        await add_archive(
            tx, merchant_id, archive_id, month, orders, bytes.fromhex(root), path.name, wall
        )
    return await find_archive(world.db, merchant_id, archive_id)


async def _write(
    world: World, merchant_id: UUID, archive_id: UUID, month: date, file: gzip.GzipFile, tell: Tell
) -> tuple[int, str]:
    """How many orders were written, and the root."""
    digest, orders = hashlib.sha256(), 0

    def add(line: bytes) -> None:
        digest.update(line)
        file.write(line)

    add(head_line(str(archive_id), str(merchant_id), f"{month:%Y-%m}"))
    after, before = _ends(month)

    async def read(db: Connection) -> tuple[list[UUID], list[bytes]]:
        order_ids = await ended_orders(db, merchant_id, after, before, _STAGES, AT_ONCE)
        return order_ids, await _lines(db, merchant_id, order_ids)

    while True:
        order_ids, lines = await world.read_long(read)
        for line in lines:
            add(line)
        orders += len(order_ids)
        tell(orders)
        if len(order_ids) < AT_ONCE:
            break
        after = order_ids[-1]
    root = digest.hexdigest()
    file.write(end_line(orders, root))
    return orders, root


async def _lines(db: Read, merchant_id: UUID, order_ids: Sequence[UUID]) -> list[bytes]:
    rows = await read_rows(db, merchant_id, order_ids)
    postings: dict[UUID, list[Any]] = {order_id: [] for order_id in order_ids}
    for row in await booked(db, merchant_id, order_ids):
        postings[row.order_id].append(_posting(merchant_id, row))
    return [order_line(str(order_id), rows[order_id], postings[order_id]) for order_id in order_ids]


def _posting(merchant_id: UUID, row: Booked) -> dict[str, Any]:
    """`content`: what its hash is made of."""
    content = [
        merchant_id,
        row.source_kind,
        row.source_id,
        row.recipe,
        row.entries[0].asset,
        row.business_at,
        [[entry.account, entry.place, entry.units] for entry in row.entries],
    ]
    return {
        "posting": row.posting_id,
        "content": content,
        "hash": row.content_hash.hex(),
        "page": row.page_no,
        "root": row.root,
    }


async def take_archive_out(world: World, path: Path, tell: Tell = lambda _: None) -> Archive:
    """Deletes from the database what the file holds, in steps; a second call goes on. An order
    that changed since it was written stays.

    Raises: Problem(invalid) for a file that is not whole or not this installation's,
    Problem(unavailable) without a log-in of the schema's owner.
    """
    world, archive = await _archive_of(world, path)
    async with _owner(world) as connection:
        for at, orders in _steps(path):
            async with connection.transaction():
                gone = await lock_gone(
                    connection, archive.merchant_id, archive.archive_id, [*orders]
                )
                here = {order_id: orders[order_id] for order_id in orders if order_id not in gone}
                if here:
                    await _leave(connection, archive, here)
            tell(at)
        wall = world.clocks.wall()
        await note_taken_out(connection, archive.merchant_id, archive.archive_id, wall)
    return await _archive(world, archive.merchant_id, archive.archive_id)


async def _leave(connection: Connection, archive: Archive, orders: dict[UUID, bytes]) -> None:
    """What changed since it was written stays."""
    order_ids = sorted(orders)
    after, before = UUID(int=order_ids[0].int - 1), UUID(int=order_ids[-1].int + 1)
    merchant_id = archive.merchant_id
    await lock_feed(connection, merchant_id)  # a replay would send what is gone
    await lock_orders(connection, merchant_id, order_ids)
    ended = [
        order_id
        for order_id in await ended_orders(connection, merchant_id, after, before, _STAGES, ALL)
        if order_id in orders
    ]
    lines = await _lines(connection, merchant_id, ended)
    leaving = [each for each, line in zip(ended, lines, strict=True) if orders[each] == line]
    await take_out(connection, merchant_id, archive.archive_id, leaving)


async def put_archive_back(world: World, path: Path, tell: Tell = lambda _: None) -> Archive:
    """Writes the file's orders into the database again, in steps; a second call goes on. What
    named a person stays away.

    Raises: as `take_archive_out`.
    """
    world, archive = await _archive_of(world, path)
    async with _owner(world) as connection:
        for at, orders in _steps(path):
            async with connection.transaction():
                gone = await lock_gone(
                    connection, archive.merchant_id, archive.archive_id, [*orders]
                )
                tables: dict[str, list[Any]] = {}
                for order_id in sorted(gone):
                    for table, rows in _decode(orders[order_id])["rows"].items():
                        tables.setdefault(table, []).extend(rows)
                await put_back(connection, archive.merchant_id, gone, tables)
            tell(at)
        await note_taken_out(connection, archive.merchant_id, archive.archive_id, None)
    return await _archive(world, archive.merchant_id, archive.archive_id)


def _ends(month: date) -> tuple[UUID, UUID]:
    """Ids before and after all of a month."""
    begin = datetime(month.year, month.month, 1, tzinfo=UTC)
    end = (begin + timedelta(days=31)).replace(day=1)
    return UUID(int=first_id_of(begin).int - 1), first_id_of(end)


async def _archive_of(world: World, path: Path) -> tuple[World, Archive]:
    """The archive that this file is, whole, and its merchant's cell. Raises: Problem(invalid)."""
    with _opened(path) as file:
        proved = _proved(file)
    if isinstance(proved, Wrong):
        raise invalid(
            Sentence("{0} does not hold in line {1}: {2}.", path.name, proved.line, proved.field),
            "file",
            "Take another copy of the file.",
        )
    merchant_id = UUID(proved.merchant_id)
    world = await home_of(world, merchant_id)
    archive = await find_archive(world.db, merchant_id, UUID(proved.archive_id))
    if archive is None or archive.root.hex() != proved.root:
        raise invalid(
            Sentence("{0} is no archive of this world.", path.name),
            "file",
            "`recoup archive list` names its files and their roots.",
        )
    return world, archive


def _proved(file: gzip.GzipFile) -> ProvedArchive | Wrong:
    try:
        return prove(iter(lambda: file.readline(LINE_BYTES_MAX + 1), b""))
    except (OSError, EOFError, zlib.error) as error:
        return Wrong(1, "compression", "whole", str(error))


def _opened(path: Path) -> gzip.GzipFile:
    return gzip.open(path, "rb")


def _steps(path: Path) -> Iterator[tuple[int, dict[UUID, bytes]]]:
    """Lines of a proved file by order, some at once, and how many came until then."""
    done, orders = 0, dict[UUID, bytes]()
    with _opened(path) as file:
        for line in file:
            part = _decode(line)
            if part["type"] == "order":
                orders[UUID(part["order"])] = line
            if len(orders) == AT_ONCE or (orders and part["type"] == "end"):
                done += len(orders)
                yield done, orders
                orders = {}


async def _archive(world: World, merchant_id: UUID, archive_id: UUID) -> Archive:
    archive = await find_archive(world.db, merchant_id, archive_id)
    assert archive is not None
    return archive


@asynccontextmanager
async def _owner(world: World) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the schema's owner: nobody else may delete what is written once. Raises: as
    a write in a quarantine does."""
    if world.db.before_write is not None:
        world.db.before_write()
    if world.owner_dsn is None:
        raise Problem(
            "unavailable",
            "Only the schema's owner may do that.",
            cure="Name its log-in: RECOUP_OWNER_DATABASE_PASSWORD.",
        )
    session = {"timezone": "UTC", "application_name": "recoup-archive"}
    connection = await connect(world.owner_dsn, world.cell, **session)
    try:
        await speak_json(connection)
        yield connection
    finally:
        await connection.close()
