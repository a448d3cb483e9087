"""What the engine brings more than the comparison group, at a look. Pure.

Orders count once their window has closed, in the arm that their payer was assigned to, all declined ones: rescued, or
not. From each outcome the chance that was foreseen at intake under the comparison group's policy is subtracted; that
narrows the interval and shifts nothing, since it was written down before the arm had any effect.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

from recoup.rules.uplift.sequence import (
    ALPHA,
    ONE_LOOK,
    half_width,
    mixture,
    orders_needed,
    orders_planned,
    quarter_alpha,
)
from recoup.rules.uplift.strata import ComparedArm, Strata, Stratum

PAYERS_MIN: Final = 200  # in each arm, before any interval is shown
WANTED: Final = 0.03  # "how many orders until ± 3 points"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One order whose window has closed. `value`: 1 rescued, 0 not, or what else is compared. `chance`: foreseen at
    intake, 0 where nothing was. `weight`: 1, or the amount. `stratum`: orders are compared with those of the same."""

    payer: str
    arm: ComparedArm
    value: float
    chance: float = 0.0
    weight: float = 1.0
    stratum: Stratum = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Engine less comparison group, as a share of what was declined. `low` and `high` hold at every look together."""

    difference: float
    low: float
    high: float
    variance: float

    @property
    def one_look(self) -> tuple[float, float]:
        """The 90 % interval of a single look, on a day that was fixed before the first order came."""
        half = ONE_LOOK * math.sqrt(self.variance)
        return self.difference - half, self.difference + half


class Comparison:
    """`expected`: orders of both arms in 90 days, fixed before the first look: there the interval is narrowest. 0: not
    fixed yet, so that no interval would hold. `alike`: as in `Strata`."""

    def __init__(self, expected: float, alpha: float = ALPHA, *, alike: bool = False) -> None:
        self._alpha, self._rho_squared = alpha, mixture(expected, alpha) if expected else None
        self._strata = Strata(alike=alike)
        self._payers: dict[ComparedArm, set[str]] = {"engine": set(), "holdout": set()}
        self._orders: dict[ComparedArm, int] = {"engine": 0, "holdout": 0}
        self._values: dict[ComparedArm, float] = {"engine": 0.0, "holdout": 0.0}
        self._weight: dict[ComparedArm, float] = {"engine": 0.0, "holdout": 0.0}

    def add(self, one: Outcome) -> None:
        self._strata.add(one.stratum, one.arm, one.payer, (one.value - one.chance) * one.weight, one.weight)
        self._payers[one.arm].add(one.payer)
        self._orders[one.arm] += 1
        self._weight[one.arm] += one.weight
        self._values[one.arm] += one.weight * one.value

    def orders(self, arm: ComparedArm) -> int:
        return self._orders[arm]

    def payers(self, arm: ComparedArm) -> int:
        return len(self._payers[arm])

    def weight(self, arm: ComparedArm) -> float:
        """Of all orders: their number, or what was declined."""
        return self._weight[arm]

    def value(self, arm: ComparedArm) -> float:
        """Of `weight` what was rescued, or what else is compared."""
        return self._values[arm]

    def mean(self, arm: ComparedArm) -> float:
        """NaN without orders."""
        return self._values[arm] / self._weight[arm] if self._weight[arm] else math.nan

    def look(self) -> Difference | None:
        """None while no interval would be true yet: one arm has too few payers, or `expected` is not fixed."""
        if self._rho_squared is None or not self._strata.have_payers(PAYERS_MIN):
            return None
        found = self._strata.estimate()
        half = half_width(found.variance, found.orders, self._rho_squared, self._alpha)
        return Difference(found.difference, found.difference - half, found.difference + half, found.variance)

    def orders_missing(self, width: float = WANTED) -> int | None:
        """How many orders more until the interval is `width` to each side. While there is none, as many as are needed
        where half of the orders are rescued; None while one arm has no order."""
        if self.look() is None or self._rho_squared is None:
            engine, holdout = self._orders.values()
            if not engine or not holdout:
                return None
            return max(0, orders_planned(holdout / (engine + holdout), width, self._alpha) - engine - holdout)
        _, variance, orders = self._strata.estimate()
        return max(0, orders_needed(variance, orders, self._rho_squared, width, self._alpha) - orders)


class Uplift:
    """The whole sequence, and one that begins anew each quarter: what has ended shows in the second much earlier."""

    def __init__(self, expected: float) -> None:
        self._expected = expected
        self.whole = Comparison(expected)
        self.quarter = Comparison(expected, quarter_alpha(0))
        self._quarter_no = 0
        self._shown = -math.inf

    def begin_quarter(self) -> None:
        self._quarter_no += 1
        self.quarter = Comparison(self._expected, quarter_alpha(self._quarter_no))

    def add(self, one: Outcome) -> None:
        self.whole.add(one)
        self.quarter.add(one)

    def alarm(self) -> Literal["harm", "gone"] | None:
        """`harm`: the engine brings less than the comparison group. `gone`: this quarter's uplift is below what was
        once shown. Each claim holds at every look together."""
        looks = [look for look in (self.whole.look(), self.quarter.look()) if look is not None]
        if any(look.high < 0 for look in looks):
            return "harm"
        if (whole := self.whole.look()) is not None:
            self._shown = max(self._shown, whole.low)
        now = self.quarter.look()
        return "gone" if now is not None and self._shown > 0 and now.high < self._shown else None
