"""The worth that each instant of a plan still adds once others of it are sent too, and fail:
rhythms that bring no money between two attempts answer both alike. Sums go from left to right, so
that every machine plans the same."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from recoup.engine.belief import Belief
from recoup.engine.bins import IDLE
from recoup.engine.chances import Ground, renewed
from recoup.engine.instants import days_of, free_after, money_rows, passed, places_on
from recoup.engine.pay_days import Array
from recoup.engine.plan import Candidate, waited
from recoup.engine.rhythms import IRREGULAR, LONG_AGO

_SAME_POSTING: Final = 0.25  # money of one posting answers two tries nearly alike
_KEPT: Final = 20  # rhythms
_NEVER: Final = -1.0
_IDLE_ENDS: Final = np.array(IDLE[1:])


class Futures:
    """The likeliest rhythms, and what each says of each instant: of the tries that were chosen all
    fail."""

    def __init__(
        self,
        ground: Ground,
        belief: Belief,
        kept: Sequence[Candidate],
        *,
        waits_from: float | None = None,
    ) -> None:
        """`waits_from`: the instant from which waiting costs; None: it costs nothing."""
        self._ground, self._again = ground, np.array(renewed(ground.model))
        self._holds = np.array(belief.holds)
        self._at, _, willing = np.array(kept).T
        self._passed = passed(ground, self._at)
        weights = np.array(belief.rhythms)
        order = np.argsort(-weights, kind="stable")[:_KEPT]
        self._weights, self._irregular = weights[order], order == IRREGULAR
        self._places = np.stack([places_on(day) for day in days_of(ground, self._at).tolist()])[
            :, order
        ]
        rows = money_rows(ground, belief.before, self._at)
        self._rows = willing[:, None] * np.take_along_axis(rows, self._places, axis=1)
        self._sent = np.zeros(len(kept), bool)
        self._waited = waited(belief, self._at, waits_from) if waits_from is not None else 1.0

    def after(self, taken: int, gap: float, *, again: bool) -> tuple[int, float]:
        """The instant that counts most once that one is sent too, and fails, and what it adds.
        `gap`: hours between two of them at least; `again`: the same one may be sent twice."""
        at, weights = float(self._at[taken]), self._weights
        failed = weights * (1.0 - self._rows[taken])
        left, all_of = float(failed.cumsum()[-1]), float(weights.cumsum()[-1])
        self._holds[: passed(self._ground, at)] *= left / all_of if all_of else 1.0
        self._weights = weights = failed * all_of / left if left else failed
        between = np.abs(self._at - at)
        self._rows = rows = self._beside(taken, at, between)
        adds = free_after(self._holds)[self._passed] * (weights * rows).cumsum(axis=1)[:, -1]
        self._sent |= between < gap
        self._sent[taken] |= not again
        adds[self._sent] = _NEVER
        best = int((adds / self._waited).argmax())
        return best, float(adds[best])

    def _beside(self, taken: int, at: float, between: Array) -> Array:
        """Chances of each try once the one at `at` is sent too, so many hours from it."""
        # Days since a posting that lies between them, at most.
        newest = (between - (np.maximum(self._at, at) + self._ground.offset) % 24) / 24
        posted = np.where((self._at > at)[:, None], self._places, self._places[taken])
        near = (newest < LONG_AGO)[:, None]
        chances = np.where(
            near & (posted > newest[:, None]), self._rows * _SAME_POSTING, self._rows
        )
        again = self._again[_IDLE_ENDS.searchsorted(between, side="right")]
        renewing: Array = np.where(near & self._irregular, self._rows * again[:, None], chances)
        return renewing
