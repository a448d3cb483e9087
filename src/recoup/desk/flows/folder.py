"""Folder of the files of exports: one for each run, readable by us alone, swept when nobody may
have it any more."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Final
from uuid import UUID

from recoup.desk.store.exports import forget_exports, living
from recoup.kernel.problem import Problem, Sentence
from recoup.kit.world import World

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
    for one in (_part(path), path):
        one.unlink(missing_ok=True)


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
            if found := _NAME.fullmatch(path.name):
                yield (
                    UUID(hex=found[1]) if found[1] else None,
                    UUID(hex=found[2]),
                    int(found[3]),
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
