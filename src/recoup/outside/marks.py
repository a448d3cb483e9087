"""Marks of how far databases were seen to be, in the data folder: a database that is restored does
not take it back with it."""

import os
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from recoup.kernel.private_files import in_turn, write_whole
from recoup.kernel.problem import Problem
from recoup.kernel.standing import Mark, Reached, newest

FOLDER: Final = "standing"
_MACHINE: Final = Path("/etc/machine-id")


def place_of_folder(folder: Path) -> str:
    """The place of a folder: a copy of it is elsewhere, on this machine or another; one that is
    renamed is not. The roots of all volumes have one inode: their file systems tell them apart,
    where those have an identity of their own and not the device's number, which follows from the
    order in which disks were found."""
    try:
        machine = _MACHINE.read_text().strip()
    except OSError:
        machine = ""  # as in many containers
    stat, volume = folder.stat(), os.statvfs(folder).f_fsid
    return f"{machine} {stat.st_ino} {volume if volume != stat.st_dev else 0}"


def is_elsewhere(mark: str, other: str) -> bool:
    """Tells two known places apart. A machine without a name, as a container's, may be any, and so
    may a file system; older marks have none."""
    return any(
        here != there and here not in ("", "0") and there not in ("", "0")
        for here, there in list(zip(mark.split(" "), other.split(" "), strict=False))
    )


class KeptMark(msgspec.Struct, frozen=True):
    """Mark of one world: its database's highest mark, and the highest that the people's database
    had of itself."""

    epoch: int
    beat: int
    at: datetime | None = None
    feed: int = 0
    people_epoch: int = 0
    people_noted: int = 0
    place: str = ""

    @property
    def reached(self) -> Reached:
        return Reached(Mark(self.epoch, self.beat), self.at, self.feed)

    @property
    def people(self) -> Mark:
        return Mark(self.people_epoch, self.people_noted)


class ErasedPerson(msgspec.Struct, frozen=True):
    merchant: UUID
    payer: UUID
    at: datetime


class MarkFile:
    """Mark file of a world and machine. All processes of the machine write it, one at a time; the
    highest is kept. `place`: of a data folder that holds the database too."""

    def __init__(self, data_dir: Path, world: str, place: str = "") -> None:
        self._folder, self.place = data_dir / FOLDER, place
        self._path, self._erased = (
            self._folder / f"{world}.json",
            self._folder / f"{world}-erased.jsonl",
        )

    def read(self) -> KeptMark | None:
        """Reads the mark; None where nothing was seen yet. Raises: Problem(unavailable) for a file
        that cannot be read: what was seen is not known then, and nothing may be taken for whole."""
        try:
            return _decode(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError):
            raise Problem(
                "unavailable",
                f"How far the database was seen to be cannot be read from {self._path}.",
                "Check its owner and mode. A file that is broken: move it away, run `recoup "
                "recover`.",
            ) from None

    def keep(self, reached: Reached, people: Mark) -> None:
        """Raises: Problem(unavailable)."""
        try:
            with in_turn(self._folder):
                had = self.read()
                most = newest(reached, had.reached if had else None)
                assert most
                own = max(people, had.people) if had else people
                kept = KeptMark(*most.mark, most.at, most.feed, *own, self.place)
                if kept != had:
                    write_whole(self._path, msgspec.json.encode(kept) + b"\n")
        except OSError as error:
            raise Problem(
                "unavailable",
                f"How far the database was seen to be cannot be kept in {self._path}: "
                f"{error.strerror}.",
                "Free some of the disk, or make the folder yours.",
            ) from None

    def note_erased(self, merchant_id: UUID, payer_id: UUID, at: datetime) -> None:
        """Notes an erasure before a person's data goes, so that it goes again after a restore.
        `payer_id` is a keyed hash."""
        # On a line of its own, also after one that was cut as the machine stopped.
        line = b"\n" + msgspec.json.encode(ErasedPerson(merchant_id, payer_id, at)) + b"\n"
        with in_turn(self._folder):
            descriptor = os.open(
                self._erased, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                os.write(descriptor, line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def erased_since(self, since: datetime) -> list[ErasedPerson]:
        try:
            lines = self._erased.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return list(
            dict.fromkeys(person for person in map(_person, lines) if person and person.at >= since)
        )


def _person(line: bytes) -> ErasedPerson | None:
    try:
        return _decode_person(line)
    except msgspec.MsgspecError:
        return None


_decode: Final = msgspec.json.Decoder(KeptMark).decode
_decode_person: Final = msgspec.json.Decoder(ErasedPerson).decode
