"""The known name that is most like an unknown one, for complaints: the one place that compares texts by likeness.

Comparing is slow, and what is compared was written by strangers: so names are cut, and of one text only the first few
are compared at all.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final

CHARS_MAX: Final = 64
KNOWN_MAX: Final = 400
NAMES_MAX: Final = 10  # of one text
CUTOFF: Final = 0.6


class Nearest:
    """Comparisons for one text: a file, a body, a query."""

    def __init__(self) -> None:
        self._left = NAMES_MAX

    def of(self, name: str, known: Iterable[str], cutoff: float = CUTOFF) -> str | None:
        """None also for the names after the first few."""
        if self._left <= 0:
            return None
        self._left -= 1
        return nearest(name, known, cutoff)


def nearest(name: str, known: Iterable[str], cutoff: float = CUTOFF) -> str | None:
    """The most similar name, for callers that ask for only one."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name[:CHARS_MAX], list(islice(known, KNOWN_MAX)), n=1, cutoff=cutoff)), None)
