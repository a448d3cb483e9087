"""Who sent identifiers that were cards, or that no processor knows, is counted: nobody learns the cards by asking."""

from datetime import timedelta
from typing import Final
from uuid import UUID

HITS_MAX: Final = 5
UNKNOWN_METHODS_MAX: Final = 100
HITS_KEPT: Final = timedelta(days=1)
CALLERS_MAX: Final = 10_000


class CardHits:
    """How many identifiers of each caller were such, within a day and in this process's memory; up to `most`."""

    def __init__(self, most: int = HITS_MAX) -> None:
        self._most = most
        self._counts: dict[UUID, tuple[int, float]] = {}  # how many, and when they are forgotten

    def left(self, caller: UUID, now: float) -> int:
        """`now`: monotonic seconds. Below zero: one look-up found more than there was room for."""
        count, until = self._counts.get(caller, (0, 0.0))
        return self._most - count if now < until else self._most

    def take(self, caller: UUID, hits: int, now: float) -> int:
        """Answers what is left after them."""
        left = self.left(caller, now) - hits
        if caller not in self._counts and len(self._counts) >= CALLERS_MAX:
            self._counts.pop(next(iter(self._counts)))
        self._counts[caller] = (self._most - left, now + HITS_KEPT.total_seconds())
        return left
