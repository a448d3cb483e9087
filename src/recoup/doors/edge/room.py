"""Room on the disk for files on their way in. It is taken before their first byte is: whose files, how many, how much.

Nobody's files fill the disk: each merchant has room for its own, all together have no more than there is, and something
stays free for what the system itself must write.
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
FILES_MAX: Final = 32
BYTES_MAX: Final = 4 << 30
FREE_MIN: Final = 1 << 30
FREE_SHARE: Final = 20  # of a small disk this part stays free
STEP: Final = 8 << 20  # what a file without a declared length is given at a time
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
    """One of a process. `whose`: a merchant's id, or of who has none the user's."""

    def __init__(self, free: Callable[[], tuple[int, int]] = free_space) -> None:
        self._free = free
        self._by: dict[str, _Held] = {}
        self._all = _Held()

    @contextmanager
    def place(self, whose: str, declared: int | None, bytes_max: int) -> Iterator["Place"]:
        """For one file, until it is closed. `declared`: its length, if it was said.

        Raises: Problem(too_many_requests), Problem(unavailable), Problem(no_space); Problem(too_large).
        """
        mine = self._by.setdefault(whose, _Held())
        place = Place(self, mine, bytes_max)
        try:
            if mine.files >= FILES_EACH:
                raise _too_many(f"{FILES_EACH} files of yours are being received or read.")
            if self._all.files >= FILES_MAX:
                raise _busy()
            mine.files += 1
            self._all.files += 1
            place.is_taken = True
            place.grow(min(declared, bytes_max) if declared is not None else STEP)
            yield place
        finally:
            place.end()
            if not mine.files:
                self._by.pop(whose, None)

    def _take(self, mine: _Held, size: int) -> None:
        if mine.taken + size > BYTES_EACH:
            raise _too_many(f"Files of yours that are being received or read take more than {BYTES_EACH >> 20} MB.")
        if self._all.taken + size > BYTES_MAX:
            raise _busy()
        free, total = self._free()
        coming = self._all.taken - self._all.written
        if free - coming - size < min(FREE_MIN, total // FREE_SHARE):
            raise FULL
        mine.taken += size
        self._all.taken += size


class Place:
    """What one file has of the room."""

    def __init__(self, room: Room, mine: _Held, bytes_max: int) -> None:
        self._room, self._mine, self._bytes_max = room, mine, bytes_max
        self._taken = self._written = 0
        self.is_taken = False

    def grow(self, size: int) -> None:
        self._room._take(self._mine, size)
        self._taken += size

    def write(self, size: int) -> None:
        """So many more bytes came. Raises: as `place`."""
        self._written += size
        self._room._all.written += size
        if self._written > self._bytes_max:
            raise Problem(
                "too_large",
                f"The file is larger than {self._bytes_max >> 20} MB.",
                bytes_max=self._bytes_max,
                cure="Pack it with gzip, or split it.",
            )
        while self._written > self._taken:
            self.grow(STEP)

    def end(self) -> None:
        if self.is_taken:
            self.is_taken = False
            for held in (self._mine, self._room._all):
                held.files -= 1
                held.taken -= self._taken
            self._room._all.written -= self._written


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
