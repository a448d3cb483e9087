"""The bytes of an export: parts in the database, which every door reads. What the release before
wrote stands in a folder of the machine that made it, and is fetched there until it ends."""

import asyncio
import re
import shutil
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

from recoup.db.statement import FIRST_CELL
from recoup.desk.store.export_parts import read_part
from recoup.desk.store.exports import Export, end_parts, is_only_one, living, over_runs
from recoup.kernel.problem import Problem, Sentence
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World

PART_BYTES: Final = 1 << 20  # a fifth of it, packed
BYTES_MAX: Final = 4 << 30
FREE_MIN: Final = 1 << 30
_NAME: Final = re.compile(r"(?:([0-9a-f]{32})\.)?([0-9a-f]{32})\.([0-9]{1,9})(\.part)?")


class Parts:
    """Cuts what is written into parts; `keep` keeps each, by its number and packed, while the next
    is written."""

    def __init__(self, keep: Callable[[int, bytes], Awaitable[None]]) -> None:
        self._keep, self._waiting = keep, bytearray()
        self._keeping: asyncio.Task[None] | None = None
        self.count = self.size = 0

    def write(self, piece: bytes) -> None:
        self._waiting += piece
        self.size += len(piece)

    async def flush(self, least: int = PART_BYTES) -> None:
        while len(self._waiting) >= least:
            await self.kept()
            part = bytes(self._waiting[:PART_BYTES])
            self._keeping = asyncio.create_task(self._pack_and_keep(self.count, part))
            del self._waiting[:PART_BYTES]
            self.count += 1

    async def _pack_and_keep(self, part_no: int, part: bytes) -> None:
        await self._keep(part_no, await run_stoppable(_pack, part))

    async def kept(self) -> None:
        """Waits until all that was flushed is kept. Raises: what kept it from that."""
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            await keeping

    async def stop(self) -> None:
        """Keeps nothing more."""
        if self._keeping is not None:
            self._keeping.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self.kept()


def _pack(part: bytes) -> bytes:
    return zlib.compress(part, 1)


def gone(message: str) -> Problem:
    return Problem(
        "not_found", message, cure="The page Exports shows the progress; otherwise export again."
    )


def check_room(world: World, size: int) -> None:
    """Raises: Problem(too_large); Problem(no_space) while the disk is nearly full."""
    if size > BYTES_MAX:
        raise Problem(
            "too_large",
            Sentence("The file is larger than {0} GB.", BYTES_MAX >> 30),
            cure="Narrow the list, or choose fewer columns.",
        )
    folder = world.exports
    while folder is not None and not folder.is_dir():
        folder = folder.parent
    if folder is not None and shutil.disk_usage(folder).free < FREE_MIN:
        raise Problem(
            "no_space",
            "There is no disk space left for exports.",
            cure="Ask the operator to free space.",
        )


async def content_of(world: World, row: Export) -> AsyncIterator[bytes] | None:
    """The whole file, a part in memory at a time; None: it is not there."""
    if row.run_id is not None and row.parts is not None:
        return _content(world, row.merchant_id, row.run_id, row.parts)
    path = await former_path(world, row)
    return _pieces(path) if path is not None and path.is_file() else None


async def _content(
    world: World, merchant_id: UUID, run_id: UUID, parts: int
) -> AsyncIterator[bytes]:
    """Raises: Problem(not_found) when it is deleted meanwhile: the download breaks off."""
    for part_no in range(parts):
        packed = await read_part(world.db.reader, merchant_id, run_id, part_no)
        if packed is None:
            raise gone("The file was deleted.")
        yield await run_stoppable(zlib.decompress, packed)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PART_BYTES):
            yield piece


async def drop_over(world: World) -> None:
    """Drops the parts that nobody may have any more."""
    while runs := await over_runs(world.db.reader):
        for run in runs:
            async with world.db.transaction() as tx:
                await end_parts(tx, run)


async def former_path(world: World, row: Export) -> Path | None:
    """The file of an export, also as releases before wrote it, if it can be no other merchant's."""
    if world.exports is None:
        return None
    name = f"{row.export_id.hex}.{row.run_no}"
    path, former = world.exports / f"{row.merchant_id.hex}.{name}", world.exports / name
    if path.is_file() or not former.is_file():
        return path
    return former if await is_only_one(world.db, row.export_id) else path


def _lying(folder: Path) -> Iterator[tuple[UUID | None, UUID, int, Path]]:
    """Every file of an export, finished or not: of which merchant, export and run it is."""
    for path in folder.iterdir():
        if match := _NAME.fullmatch(path.name):
            merchant_id = UUID(hex=match[1]) if match[1] else None
            yield merchant_id, UUID(hex=match[2]), int(match[3]), path


async def forget_former(world: World) -> None:
    if world.exports is None or world.cell != FIRST_CELL or not world.exports.is_dir():
        return  # before there were cells all were the first one's
    files = list(_lying(world.exports))
    if not files:
        return
    known = set(await living(world.db, list({export_id for _, export_id, _, _ in files})))
    unnamed = {(export_id, run_no) for _, export_id, run_no in known}
    for merchant_id, export_id, run_no, path in files:
        if merchant_id is None and (export_id, run_no) in unnamed:
            continue
        if (merchant_id, export_id, run_no) not in known:
            path.unlink(missing_ok=True)
