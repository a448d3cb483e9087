"""Orders of both arms, each compared with those that came under the same terms. Pure.

When an arm's share changes, its orders come from other weeks, and its payers from longer ago, than those of the other
arm. So a difference is taken within each stratum, and weighted by what that holds. A payer's orders go together, in
whatever strata they lie.
"""

from typing import Final, Literal, NamedTuple

from recoup.rules.uplift.arm_totals import ArmTotals, PayerSums, SharedPayers, alike_variance

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
    """Adding costs the same at the first and at the millionth order, however many strata there are. `alike`: the
    variance is at least that of arms that vary alike; of what is so rare that an arm may have none, its own would be
    nothing."""

    __slots__ = ("_alike", "_held", "_met", "_shared")

    def __init__(self, *, alike: bool = False) -> None:
        self._alike = alike
        self._held: dict[Stratum, _Arms] = {}
        self._met: dict[tuple[ComparedArm, str], tuple[Stratum, ...]] = {}  # where a payer has orders
        self._shared: dict[tuple[ComparedArm, Stratum, Stratum], SharedPayers] = {}

    def add(self, stratum: Stratum, arm: ComparedArm, payer: str, value: float, weight: float) -> None:
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
        """Whether each arm has so many in strata that are compared."""
        compared = self._compared().values()
        views = [[arms[name].payers for arms in compared] for name in ARMS]
        return all(
            any(len(one) >= count for one in of_arm) or len(set[str]().union(*of_arm)) >= count for of_arm in views
        )

    def estimate(self) -> Estimate:
        """Each stratum that is compared, weighted by what it holds."""
        compared = self._compared()
        weights = {name: sum(one.weight for one in arms.values()) for name, arms in compared.items()}
        parts = {name: weight / sum(weights.values()) for name, weight in weights.items()}
        variance = sum(parts[name] ** 2 * self._variance(arms) for name, arms in compared.items())
        for (arm, first, second), shared in self._shared.items():
            if first in compared and second in compared:
                covariance = shared.covariance(compared[first][arm], compared[second][arm])
                variance += 2 * parts[first] * parts[second] * covariance
        return Estimate(
            sum(parts[name] * (arms["engine"].mean() - arms["holdout"].mean()) for name, arms in compared.items()),
            max(0.0, variance),
            sum(one.orders for arms in compared.values() for one in arms.values()),
        )

    def _variance(self, arms: _Arms) -> float:
        own = sum(one.variance() for one in arms.values())
        return max(own, alike_variance(arms["engine"], arms["holdout"])) if self._alike else own

    def _compared(self) -> dict[Stratum, _Arms]:
        return {
            name: arms
            for name, arms in self._held.items()
            if all(len(one.payers) >= PAYERS_MIN for one in arms.values())
        }
