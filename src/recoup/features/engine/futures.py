"""What each instant of a plan still adds once others of it are sent too, and fail: rhythms that bring no money between
two tries answer both alike. Sums go from left to right, so that every machine plans the same.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from recoup.features.engine.belief import UNTIL, Belief, mended_by
from recoup.features.engine.bins import IDLE
from recoup.features.engine.chances import Ground, local_day, money_row, renewed
from recoup.features.engine.pay_days import Array
from recoup.features.engine.rhythms import IRREGULAR, LONG_AGO, places

_SAME_POSTING: Final = 0.25  # money of one posting answers two tries nearly alike
_KEPT: Final = 20  # rhythms


class Futures:
    """The likeliest rhythms, and what each says of each instant: of the tries that were chosen all fail."""

    def __init__(self, ground: Ground, belief: Belief, kept: Sequence[tuple[float, float]]) -> None:
        """`kept`: instants, and the chance at each that the bank does not refuse."""
        self._ground, self._holds = ground, np.array(belief.holds)
        self._at, willing = np.array(kept).T
        self._passed = np.searchsorted(UNTIL, self._at - ground.first_at, side="right")
        weights = np.array(belief.rhythms)
        order = np.argsort(-weights, kind="stable")[:_KEPT]
        self._weights, self._irregular = weights[order], order == IRREGULAR
        self._places = np.stack([_places(local_day(ground, at)) for at, _ in kept])[:, order]
        rows = np.array([money_row(ground, belief.before, at) for at, _ in kept])
        self._rows = willing[:, None] * np.take_along_axis(rows, self._places, axis=1)

    def after(self, taken: int) -> list[float]:
        """What each instant adds once that one is sent too, and fails."""
        at, weights = float(self._at[taken]), self._weights
        failed = weights * (1.0 - self._rows[taken])
        left, all_of = float(failed.cumsum()[-1]), float(weights.cumsum()[-1])
        hours = at - self._ground.first_at
        self._holds = np.where(np.array(UNTIL) <= hours, self._holds * (left / all_of if all_of else 1.0), self._holds)
        self._weights = weights = failed * all_of / left if left else failed
        self._rows = rows = self._beside(taken, at)
        free = np.array(mended_by(self._holds.tolist()))
        found: list[float] = (free[self._passed] * (weights * rows).cumsum(axis=1)[:, -1]).tolist()
        return found

    def _beside(self, taken: int, at: float) -> Array:
        """Chances of each try once the one at `at` is sent too."""
        ground, late, between = self._ground, np.maximum(self._at, at), np.abs(self._at - at)
        newest = (between - (late + ground.offset) % 24) / 24  # days since a posting that lies between them, at most
        posted = np.where((self._at > at)[:, None], self._places, self._places[taken])
        near = (newest < LONG_AGO)[:, None]
        found = np.where(near & (posted > newest[:, None]), self._rows * _SAME_POSTING, self._rows)
        again = np.array(renewed(ground.model))[np.searchsorted(IDLE[1:], between, side="right")]
        renewing: Array = np.where(near & self._irregular, self._rows * again[:, None], found)
        return renewing


@lru_cache(maxsize=4096)
def _places(day: int) -> Array:
    return np.frombuffer(places(day), np.uint8).astype(np.int64)
