"""Whether a new model is better than what decides today, by tries of a time that neither has seen. Pure.

A chance is judged by how likely it called what happened: by log-loss, whose mean over the tries is compared. The
difference counts only where it is larger than its standard error, taken by payer: a payer's tries stand or fall
together.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

PLAIN_RATES: Final = "plain rates"
HELD_OUT_SHARE: Final = 5  # the last fifth of the time
HELD_OUT_DAYS_MAX: Final = 28
Verdict = Literal["better", "not_better"]


@dataclass(frozen=True, slots=True)
class Trial:
    """`score`, `compared_score`: mean log-loss of approval over `held_attempts` tries from `held_from` on, the less the
    better. `compared_with`: a model's name, or the plain rates. `score_error`: standard error of their difference."""

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
        """As it is stored beside the model."""
        return {name: getattr(self, name) for name in self.__slots__}
