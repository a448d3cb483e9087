"""Uplift of the engine over the comparison group, at a look. Pure.

Orders count once their window has closed, in the arm that their payer was assigned to, all declined
ones: rescued, or not. From each outcome the chance that was foreseen at intake under the comparison
group's policy is subtracted; that narrows the interval and shifts nothing, since it was written
down before the arm had any effect.

Intervals hold at every look at once. Source: Waudby-Smith and others, "Time-uniform central limit
theory and asymptotic confidence sequences" (arXiv 2103.06476): the normal mixture's boundary, as
narrow as it gets at a number of orders that is chosen before the first look.
"""

import math
from typing import Final, Literal

from recoup.kernel.frozen import frozen
from recoup.uplift.rules.strata import ComparedArm, Strata, Stratum

ALPHA: Final = 0.05  # all looks together are wrong at most this often


def mixture(expected: float, alpha: float = ALPHA) -> float:
    """ρ², for the narrowest interval once `expected` orders are in."""
    twice = -2 * math.log(alpha)
    return (twice + math.log(twice) + 1) / max(1.0, expected)


def half_width(variance: float, orders: int, rho_squared: float, alpha: float = ALPHA) -> float:
    """Around a difference of means with that variance, after so many orders of both arms. Infinite
    before the first."""
    if orders < 1:
        return math.inf
    spread = orders * rho_squared
    return math.sqrt(variance * 2 * (spread + 1) / spread * math.log(math.sqrt(spread + 1) / alpha))


def quarter_alpha(quarter: int) -> float:
    """Error that the sequence that begins anew in each quarter, from 0 on, may have: over all
    quarters together `ALPHA`."""
    return ALPHA * 6 / (math.pi**2 * (quarter + 1) ** 2)


def orders_planned(holdout: float, width: float, alpha: float = ALPHA) -> int:
    """Number of orders of both arms at which the half-width is `width` at the narrowest place,
    where half are rescued and `holdout` of them, above 0 and below 1, are in the comparison
    group."""
    narrowest = half_width(1.0, 1, mixture(1, alpha), alpha)
    return math.ceil((narrowest / width) ** 2 / 4 * (1 / holdout + 1 / (1 - holdout)))


def orders_needed(
    variance: float, orders: int, rho_squared: float, width: float, alpha: float = ALPHA
) -> int:
    """Number of orders of both arms at which the half-width falls to `width`, when they vary as
    those until now did."""
    each = variance * orders
    low, high = 1, 1
    while half_width(each / high, high, rho_squared, alpha) > width and high < 1 << 40:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if half_width(each / middle, middle, rho_squared, alpha) > width:
            low = middle
        else:
            high = middle
    return high


PAYERS_MIN: Final = 200  # in each arm, before any interval is shown
WANTED: Final = 0.03  # "how many orders until ± 3 points"


@frozen
class Outcome:
    """An order whose window has closed. `value`: 1 rescued, 0 not, or what else is compared.
    `chance`: foreseen at intake, 0 where nothing was. `weight`: 1, or the amount. `stratum`: orders
    are compared with those of the same."""

    payer: str
    arm: ComparedArm
    value: float
    chance: float = 0.0
    weight: float = 1.0
    stratum: Stratum = ()


@frozen
class Difference:
    """Engine less comparison group, as a share of what was declined. `low` and `high` hold at every
    look together."""

    difference: float
    low: float
    high: float
    variance: float


class Comparison:
    """`expected`: orders of both arms in 90 days, fixed before the first look: there the interval
    is narrowest. 0: not fixed yet, so that no interval would hold. `alike`: as in `Strata`."""

    def __init__(self, expected: float, alpha: float = ALPHA, *, alike: bool = False) -> None:
        self._alpha, self._rho_squared = alpha, mixture(expected, alpha) if expected else None
        self._strata = Strata(alike=alike)
        self._payers: dict[ComparedArm, set[str]] = {"engine": set(), "holdout": set()}
        self._orders: dict[ComparedArm, int] = {"engine": 0, "holdout": 0}
        self._values: dict[ComparedArm, float] = {"engine": 0.0, "holdout": 0.0}
        self._weight: dict[ComparedArm, float] = {"engine": 0.0, "holdout": 0.0}

    def add(self, outcome: Outcome) -> None:
        self._strata.add(
            outcome.stratum,
            outcome.arm,
            outcome.payer,
            (outcome.value - outcome.chance) * outcome.weight,
            outcome.weight,
        )
        self._payers[outcome.arm].add(outcome.payer)
        self._orders[outcome.arm] += 1
        self._weight[outcome.arm] += outcome.weight
        self._values[outcome.arm] += outcome.weight * outcome.value

    def orders(self, arm: ComparedArm) -> int:
        return self._orders[arm]

    def payers(self, arm: ComparedArm) -> int:
        return len(self._payers[arm])

    def weight(self, arm: ComparedArm) -> float:
        """Weight of all orders: their number, or what was declined."""
        return self._weight[arm]

    def value(self, arm: ComparedArm) -> float:
        """Part of `weight` that was rescued, or what else is compared."""
        return self._values[arm]

    def mean(self, arm: ComparedArm) -> float:
        return self._values[arm] / self._weight[arm] if self._weight[arm] else math.nan

    def look(self) -> Difference | None:
        """The difference; None while no interval would be true yet: one arm has too few payers, or
        `expected` is not fixed."""
        if self._rho_squared is None or not self._strata.have_payers(PAYERS_MIN):
            return None
        difference = self._strata.estimate()
        half = half_width(difference.variance, difference.orders, self._rho_squared, self._alpha)
        return Difference(
            difference.difference,
            difference.difference - half,
            difference.difference + half,
            difference.variance,
        )

    def orders_missing(self, width: float = WANTED) -> int | None:
        """Number of orders missing until the interval is `width` to each side. While there is none,
        as many as are needed where half of the orders are rescued; None while one arm has no
        order."""
        if self.look() is None or self._rho_squared is None:
            engine, holdout = self._orders.values()
            if not engine or not holdout:
                return None
            return max(
                0,
                orders_planned(holdout / (engine + holdout), width, self._alpha) - engine - holdout,
            )
        _, variance, orders = self._strata.estimate()
        return max(
            0, orders_needed(variance, orders, self._rho_squared, width, self._alpha) - orders
        )


class Uplift:
    """The whole sequence, and one that begins anew each quarter: what has ended shows in the second
    much earlier."""

    def __init__(self, expected: float) -> None:
        self._expected = expected
        self.whole = Comparison(expected)
        self.quarter = Comparison(expected, quarter_alpha(0))
        self._quarter_no = 0
        self._shown = -math.inf

    def begin_quarter(self) -> None:
        self._quarter_no += 1
        self.quarter = Comparison(self._expected, quarter_alpha(self._quarter_no))

    def add(self, outcome: Outcome) -> None:
        self.whole.add(outcome)
        self.quarter.add(outcome)

    def alarm(self) -> Literal["harm", "gone"] | None:
        """`harm`: the engine brings less than the comparison group. `gone`: this quarter's uplift
        is below what was once shown. Each claim holds at every look together."""
        looks = [look for look in (self.whole.look(), self.quarter.look()) if look is not None]
        if any(look.high < 0 for look in looks):
            return "harm"
        if (whole := self.whole.look()) is not None:
            self._shown = max(self._shown, whole.low)
        now = self.quarter.look()
        return "gone" if now is not None and self._shown > 0 and now.high < self._shown else None
