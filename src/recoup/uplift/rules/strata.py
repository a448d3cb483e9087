"""Orders of both arms, each compared with those that came under the same terms. Pure.

When an arm's share changes, its orders come from other weeks, and its payers from longer ago, than
those of the other arm. So a difference is taken within each stratum, and weighted by what that
holds. A payer's orders go together, in whatever strata they lie.
"""

import math
from collections.abc import KeysView
from typing import Final, Literal, NamedTuple


class PayerSums(NamedTuple):
    """Sums of the orders of one arm, with a variance that knows that a payer's orders go together.
    Pure."""

    value: float = 0.0
    weight: float = 0.0


class ArmTotals:
    """A ratio of sums, Σ value / Σ weight over orders, clustered by payer. An order's weight is 1
    where orders are counted, its amount where money is. Adding costs the same at the first and at
    the millionth order."""

    __slots__ = ("_by_payer", "_vv", "_vw", "_ww", "orders", "value", "weight")

    def __init__(self) -> None:
        self._by_payer: dict[str, PayerSums] = {}
        self._vv = self._vw = self._ww = 0.0
        self.orders = 0
        self.value = self.weight = 0.0

    @property
    def payers(self) -> KeysView[str]:
        return self._by_payer.keys()

    def of(self, payer: str) -> PayerSums | None:
        """The payer's sums; None: none of the orders is theirs."""
        return self._by_payer.get(payer)

    def add(self, payer: str, value: float, weight: float = 1.0) -> None:
        old = self._by_payer.get(payer, PayerSums())
        new = PayerSums(old.value + value, old.weight + weight)
        self._by_payer[payer] = new
        self._vv += new.value**2 - old.value**2
        self._vw += new.value * new.weight - old.value * old.weight
        self._ww += new.weight**2 - old.weight**2
        self.orders += 1
        self.value += value
        self.weight += weight

    def mean(self) -> float:
        """NaN without orders."""
        return self.value / self.weight if self.weight else math.nan

    def variance(self) -> float:
        """Variance of the mean. NaN without orders."""
        return self.spread() / self.weight**2 if self.weight else math.nan

    def spread(self) -> float:
        """Σ over payers of (value − mean · weight)². NaN without orders."""
        mean = self.mean()
        return max(0.0, self._vv - 2 * mean * self._vw + mean**2 * self._ww)


def alike_variance(first: ArmTotals, second: ArmTotals) -> float:
    """Variance of the difference of both means, where both vary as all of their orders together
    do."""
    spread = first.spread() + second.spread()
    return spread / (first.weight + second.weight) * (1 / first.weight + 1 / second.weight)


class SharedPayers:
    """Payers with orders in two totals: what their orders there have in common, kept order by
    order."""

    __slots__ = ("_vv", "_vw", "_wv", "_ww")

    def __init__(self) -> None:
        self._vv = self._vw = self._wv = self._ww = 0.0

    def add(self, first: PayerSums, second: PayerSums) -> None:
        """Adds one more order of a payer: in one of both totals its own value and weight, in the
        other all they hold."""
        self._vv += first.value * second.value
        self._vw += first.value * second.weight
        self._wv += first.weight * second.value
        self._ww += first.weight * second.weight

    def covariance(self, first: ArmTotals, second: ArmTotals) -> float:
        """Covariance of both means: Σ over payers of (value − mean · weight) here times there, over
        both sums of weights."""
        here, there = first.mean(), second.mean()
        total = self._vv - there * self._vw - here * self._wv + here * there * self._ww
        return total / (first.weight * second.weight)


PAYERS_MIN: Final = 30  # in each arm of a stratum: the variance of fewer is not known
ComparedArm = Literal["engine", "holdout"]
ARMS: Final[tuple[ComparedArm, ...]] = ("engine", "holdout")
Stratum = tuple[int, ...]
_Arms = dict[ComparedArm, ArmTotals]


class Estimate(NamedTuple):
    """Engine less comparison group. `orders`: of both arms, that it rests on."""

    difference: float
    variance: float
    orders: int


class Strata:
    """Adding costs the same at the first and at the millionth order, however many strata there are.
    `alike`: the variance is at least that of arms that vary alike; of what is so rare that an arm
    may have none, its own would be nothing."""

    __slots__ = ("_alike", "_held", "_met", "_shared")

    def __init__(self, *, alike: bool = False) -> None:
        self._alike = alike
        self._held: dict[Stratum, _Arms] = {}
        self._met: dict[
            tuple[ComparedArm, str], tuple[Stratum, ...]
        ] = {}  # where a payer has orders
        self._shared: dict[tuple[ComparedArm, Stratum, Stratum], SharedPayers] = {}

    def add(
        self, stratum: Stratum, arm: ComparedArm, payer: str, value: float, weight: float
    ) -> None:
        if stratum not in self._held:
            self._held[stratum] = {name: ArmTotals() for name in ARMS}
        self._held[stratum][arm].add(payer, value, weight)
        met = self._met.get((arm, payer), ())
        if stratum not in met:
            self._met[arm, payer] = (*met, stratum)
        for other in met:
            there = self._held[other][arm].of(payer) if other != stratum else None
            if there is not None:
                first, second = sorted((stratum, other))
                here = PayerSums(value, weight)
                pair = (here, there) if first == stratum else (there, here)
                self._shared.setdefault((arm, first, second), SharedPayers()).add(*pair)

    def have_payers(self, count: int) -> bool:
        """True when each arm has so many in strata that are compared."""
        compared = self._compared().values()
        views = [[arms[name].payers for arms in compared] for name in ARMS]
        return all(
            any(len(payers) >= count for payers in of_arm)
            or len(set[str]().union(*of_arm)) >= count
            for of_arm in views
        )

    def estimate(self) -> Estimate:
        """Each stratum that is compared, weighted by what it holds."""
        compared = self._compared()
        weights = {
            name: sum(cell.weight for cell in arms.values()) for name, arms in compared.items()
        }
        parts = {name: weight / sum(weights.values()) for name, weight in weights.items()}
        variance = sum(parts[name] ** 2 * self._variance(arms) for name, arms in compared.items())
        for (arm, first, second), shared in self._shared.items():
            if first in compared and second in compared:
                covariance = shared.covariance(compared[first][arm], compared[second][arm])
                variance += 2 * parts[first] * parts[second] * covariance
        return Estimate(
            sum(
                parts[name] * (arms["engine"].mean() - arms["holdout"].mean())
                for name, arms in compared.items()
            ),
            max(0.0, variance),
            sum(cell.orders for arms in compared.values() for cell in arms.values()),
        )

    def _variance(self, arms: _Arms) -> float:
        own = sum(arm.variance() for arm in arms.values())
        return max(own, alike_variance(arms["engine"], arms["holdout"])) if self._alike else own

    def _compared(self) -> dict[Stratum, _Arms]:
        return {
            name: arms
            for name, arms in self._held.items()
            if all(len(arm.payers) >= PAYERS_MIN for arm in arms.values())
        }
