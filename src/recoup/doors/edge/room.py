"""Room on the disk for files on their way in. It is taken before their first byte is: whose files, how many, how much.

Nobody's files fill the disk: each merchant has room for its own, all of a world together have no more than there is,
and something stays free for what the system itself must write. Who signed up to the sandbox takes no room of live.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from recoup.kernel.problem import Problem

FILES_EACH: Final = 2
BYTES_EACH: Final = 544 << 20  # the largest file, and a small one beside it
FILES_MAX: Final = 200
BYTES_MAX: Final = 4 << 30
FREE_MIN: Final = 1 << 30
FREE_SHARE: Final = 20  # of a small disk this part stays free
STEP: Final = 8 << 20  # what a file takes of all the room at a time: who only says much keeps nobody out
FULL: Final = Problem(
    "no_space",
    "There is too little disk space for this file; nothing of it was taken.",
    retry_after_seconds=60,
    cure="Send it again later, or ask the operator to free space.",
)


def free_space() -> tuple[int, int]:
    """(free, total) bytes where files are written down."""
    found = shutil.disk_usage(tempfile.gettempdir())
    return found.free, found.total


@dataclass
class _Held:
    files: int = 0
    taken: int = 0  # bytes
    written: int = 0


class Room:
    """One of a process for each world. `whose`: a merchant's id, or of who has none the user's. `disk`: what is on its
    way to it, of all worlds."""

    def __init__(self, free: Callable[[], tuple[int, int]] = free_space, disk: _Held | None = None) -> None:
        self._free = free
        self._by: dict[str, _Held] = {}
        self._all, self._disk = _Held(), disk or _Held()

    @contextmanager
    def place(self, whose: str, declared: int | None, bytes_max: int) -> Iterator["Place"]:
        """Reserves a place for one file until it is closed. `declared`: its length, if announced.

        Raises: Problem(too_many_requests), Problem(unavailable), Problem(no_space); Problem(too_large).
        """
        mine = self._by.setdefault(whose, _Held())
        place = Place(self, mine, bytes_max, min(declared or 0, bytes_max))
        try:
            if mine.files >= FILES_EACH:
                raise _too_many(f"{FILES_EACH} files of yours are being received or read.")
            if self._all.files >= FILES_MAX:
                raise _busy()
            mine.files += 1
            self._all.files += 1
            place.is_taken = True
            place.begin()
            yield place
        finally:
            place.end()
            if not mine.files:
                self._by.pop(whose, None)

    def _take_own(self, mine: _Held, size: int) -> None:
        if mine.taken + size > BYTES_EACH:
            raise _too_many(f"Files of yours that are being received or read take more than {BYTES_EACH >> 20} MB.")
        mine.taken += size

    def _take(self, size: int, ahead: int) -> None:
        """`ahead`: so much more is to come."""
        if self._all.taken + size > BYTES_MAX:
            raise _busy()
        free, total = self._free()
        coming = self._disk.taken - self._disk.written
        if free - coming - max(size, ahead) < min(FREE_MIN, total // FREE_SHARE):
            raise FULL
        self._all.taken += size
        self._disk.taken += size


class Place:
    """One file's share of the room. `declared`: its announced length, 0 if none."""

    def __init__(self, room: Room, mine: _Held, bytes_max: int, declared: int) -> None:
        self._room, self._mine, self._bytes_max, self._declared = room, mine, bytes_max, declared
        self._own = self._taken = self._written = 0
        self.is_taken = False

    def begin(self) -> None:
        self._grow_own(self._declared)
        self._grow()

    def write(self, size: int) -> None:
        """Counts the bytes received. Raises: as `Room.place`."""
        self._written += size
        self._room._disk.written += size
        if self._written > self._bytes_max:
            raise Problem(
                "too_large",
                f"The file is larger than {self._bytes_max >> 20} MB.",
                bytes_max=self._bytes_max,
                cure="Pack it with gzip, or split it.",
            )
        while self._written > self._taken:
            self._grow()

    def _grow(self) -> None:
        self._room._take(STEP, self._declared - self._written)
        self._taken += STEP
        if self._taken > self._own:
            self._grow_own(self._taken - self._own)

    def _grow_own(self, size: int) -> None:
        self._room._take_own(self._mine, size)
        self._own += size

    def end(self) -> None:
        if self.is_taken:
            self.is_taken = False
            self._mine.files -= 1
            self._room._all.files -= 1
            self._mine.taken -= self._own
            self._room._all.taken -= self._taken
            self._room._disk.taken -= self._taken
            self._room._disk.written -= self._written


def _too_many(message: str) -> Problem:
    return Problem(
        "too_many_requests",
        message,
        retry_after_seconds=5,
        cure="Send this one when they are answered; nothing of it was taken.",
    )


def _busy() -> Problem:
    return Problem(
        "unavailable",
        "As many files are being received as there is room for; nothing of this one was taken.",
        retry_after_seconds=30,
        cure="Send it again later.",
    )


class Rooms:
    """The rooms of a process, by the world's name."""

    def __init__(self, free: Callable[[], tuple[int, int]] = free_space) -> None:
        self._free, self._disk = free, _Held()
        self._of: dict[str, Room] = {}

    def of(self, world: str) -> Room:
        if world not in self._of:
            self._of[world] = Room(self._free, self._disk)
        return self._of[world]
