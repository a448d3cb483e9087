"""Trial of a new model against what decides today, by attempts of a time that neither has seen.
Pure.

A chance is judged by how likely it called what happened: by log-loss, whose mean over the attempts
is compared. The difference counts only where it is larger than its standard error, taken by payer:
a payer's attempts stand or fall together.
"""

from dataclasses import dataclass
from datetime import datetime
from math import floor
from typing import Any, Final, Literal, NamedTuple

PLAIN_RATES: Final = "plain rates"
HELD_OUT_SHARE: Final = 5  # the last fifth of the time
HELD_OUT_DAYS_MAX: Final = 28
Verdict = Literal["better", "not_better"]


@dataclass(frozen=True, slots=True)
class Trial:
    """`score`, `compared_score`: mean log-loss of approval over `held_attempts` tries from
    `held_from` on, the less the better. `compared_with`: a model's name, or the plain rates.
    `score_error`: standard error of their difference."""

    held_from: datetime
    held_attempts: int
    score: float
    compared_with: str
    compared_score: float
    score_error: float

    @property
    def verdict(self) -> Verdict:
        return "better" if self.compared_score - self.score > self.score_error else "not_better"

    def row(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


# Below these nothing is trained: what so few attempts say is chance.
DAYS_LEAST: Final = 14
TRIES_LEAST: Final = 500  # attempts after the first, in the time that is trained on
HELD_OUT_LEAST: Final = 200
OUTCOMES_LEAST: Final = 20  # of the held-out tries, approved and declined


class Amount(NamedTuple):
    """The amount of data to learn from. `tries`: attempts before the held-out time; `held_out`,
    `approved`: those of it."""

    days: float
    tries: int
    held_out: int
    approved: int


def missing(there: Amount) -> list[str]:
    """Lists what is too little, each as a sentence; empty: it is enough."""
    needed = (
        (there.days, DAYS_LEAST, "days of data"),
        (there.tries, TRIES_LEAST, "repeated attempts before the held-out time"),
        (there.held_out, HELD_OUT_LEAST, "repeated attempts in the held-out time"),
        (there.approved, OUTCOMES_LEAST, "approved attempts among those"),
        (there.held_out - there.approved, OUTCOMES_LEAST, "declined attempts among those"),
    )
    return [
        f"{least - floor(have):,} more {what} ({floor(have):,} of {least:,})."
        for have, least, what in needed
        if have < least
    ]
