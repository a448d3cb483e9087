"""Check that a model's chances still hold: approvals that it expected against those that came.
Pure.

Attempts of one order stand or fall together, more than chance alone has them do: the bound is wide
for that reason.
"""

from math import sqrt
from typing import Final, Literal, NamedTuple

DAYS: Final = 28
TRIES_LEAST: Final = 100
SHARE_LEAST: Final = 0.03  # of the attempts: a smaller difference changes no plan
ERRORS: Final = 4.0  # standard errors, were the attempts independent

Verdict = Literal["fits", "drifted", "too_little"]


class Counted(NamedTuple):
    """Attempts as a model had them sent. `expected`: the sum of its chances, `spread` that of
    chance × (1 - chance)."""

    tries: int
    expected: float
    spread: float
    approved: int

    @property
    def verdict(self) -> Verdict:
        if self.tries < TRIES_LEAST:
            return "too_little"
        off = abs(self.approved - self.expected)
        return (
            "drifted"
            if off > ERRORS * sqrt(self.spread) and off > SHARE_LEAST * self.tries
            else "fits"
        )

    def plus(self, other: "Counted") -> "Counted":
        tries, expected, spread, approved = other
        return Counted(
            self.tries + tries,
            self.expected + expected,
            self.spread + spread,
            self.approved + approved,
        )


NOTHING: Final = Counted(0, 0.0, 0.0, 0)
