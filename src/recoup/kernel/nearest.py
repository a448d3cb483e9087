"""The known name that is most like an unknown one, for complaints: the one place that compares
texts by likeness.

Comparing is slow, and what is compared was written by strangers: so names are cut, and of one text
only the first few are compared at all.
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
        """The nearest known name; None also for the names after the first few."""
        if self._left <= 0:
            return None
        self._left -= 1
        return nearest(name, known, cutoff)


def nearest(name: str, known: Iterable[str], cutoff: float = CUTOFF) -> str | None:
    """The most similar name, for callers that ask for only one."""
    from difflib import get_close_matches

    return next(
        iter(
            get_close_matches(name[:CHARS_MAX], list(islice(known, KNOWN_MAX)), n=1, cutoff=cutoff)
        ),
        None,
    )


def is_like(name: str, known: str, cutoff: float = 0.7) -> bool:
    """True when somebody who wrote `name` may have meant `known`. At most as much work as two short
    names are."""
    if not len(known) / 2 < len(name) < len(known) * 2:
        return False
    return nearest(name.lower(), [known], cutoff) is not None
