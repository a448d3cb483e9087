"""Counts of callers, for all doors of a machine: a table in memory that they share, or a process's
own.

Nobody locks it: two that count the same caller in the same microsecond may count one call for two.
"""

import mmap
import os
import tempfile
from hashlib import blake2b
from typing import Final

WAYS: Final = 8
SETS: Final = 8192
SEEN_MAX: Final = 4096
KEY_MAX: Final = 128  # characters: anybody may have written a longer one
SHARED: Final = "RECOUP_SHARED_COUNTS"  # the file's number, as the doors inherit it


class Counts:
    """An instant for each key, in monotonic seconds, which all processes of a machine read alike.
    Of more keys than there is room for, that with the earliest instant is forgotten. `values`: by
    the places that `find` answers."""

    def __init__(self, *, shared: int | None = None, sets: int = SETS) -> None:
        self._sets, half = sets, sets * WAYS * 8
        memory = memoryview(mmap.mmap(-1 if shared is None else shared, 2 * half))
        self._keys, self.values = memory[:half].cast("Q"), memory[half:].cast("d")
        self._seen: dict[str, tuple[int, int]] = {}  # key -> its place and mark

    def find(self, key: str) -> int:
        """The key's place; where it had none, one whose instant is 0."""
        seen = self._seen.get(key)
        if seen is not None and self._keys[seen[0]] == seen[1]:
            return seen[0]
        mark = int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) | 1
        first = (mark >> 8) % self._sets * WAYS
        places = range(first, first + WAYS)
        for place in places:
            if self._keys[place] == mark:
                self._see(key, place, mark)
                return place
        # Not seen yet: another process may be giving it a place, too, of which the first counts.
        place = min(places, key=self.values.__getitem__)
        self._keys[place], self.values[place] = mark, 0.0
        return place

    def _see(self, key: str, place: int, mark: int) -> None:
        if len(self._seen) >= SEEN_MAX:
            self._seen.clear()
        if len(key) <= KEY_MAX:
            self._seen[key] = place, mark


def make_shared() -> int:
    """A new table's file, to be inherited. In memory: whoever writes to a mapped file of a full
    disk is killed."""
    if hasattr(os, "memfd_create"):
        made = os.memfd_create("recoup-counts")
    else:
        with tempfile.TemporaryFile() as file:
            made = os.dup(file.fileno())
    os.ftruncate(made, SETS * WAYS * 16)
    return made


def counts() -> Counts:
    """The one that this process's doors share with others'; else one of the caller's own."""
    given = os.environ.get(SHARED)
    return Counts(shared=int(given)) if given else Counts()
