"""What the engine changes beside the share that is rescued: sends, disputes, returning and lost customers. Pure.

Each is an interval of its own that holds at every look; together they err as seldom as the main one.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from recoup.rules.uplift.closed_order import ClosedOrder
from recoup.rules.uplift.comparison import ALPHA, Comparison, Difference, Outcome
from recoup.rules.uplift.strata import ARMS

Name = Literal["sends", "disputes", "orders_per_payer", "customers_lost"]
# name -> which way is harm: 1 more, -1 fewer, 0 neither by itself
HARM: Final[dict[Name, int]] = {"sends": 0, "disputes": 1, "orders_per_payer": -1, "customers_lost": 1}
_YES_OR_NO: Final[tuple[Name, ...]] = ("disputes", "customers_lost")
RARE_MIN: Final = 10  # orders of both arms with it, and as many without: fewer are no normal distribution
SHARED_CARDS_MAX: Final = 0.02  # of the cards; above it their allowance and their banks' mood are shared by the arms


@dataclass(frozen=True, slots=True)
class OtherOutcome:
    """`engine`, `holdout`: means. `difference`: None while there are too few payers. `harm`: the interval says so."""

    name: Name
    engine: float
    holdout: float
    difference: Difference | None
    harm: bool


@dataclass(frozen=True, slots=True)
class SharedCards:
    """Cards that payers of both arms hold, of how many in all."""

    shared: int
    cards: int

    @property
    def too_many(self) -> bool:
        return self.shared > SHARED_CARDS_MAX * self.cards


def other_outcomes(orders: Sequence[ClosedOrder], expected: int) -> list[OtherOutcome]:
    """By name; without those that nobody counted. `expected`: orders in 90 days, as in the main comparison."""
    found = []
    for name, outcomes in _OUTCOMES.items():
        comparison = Comparison(expected, ALPHA / len(HARM), alike=True)
        for one in outcomes(orders):
            comparison.add(one)
        engine, holdout = comparison.mean("engine"), comparison.mean("holdout")
        if math.isnan(engine) or math.isnan(holdout):
            continue
        look = None if name in _YES_OR_NO and _is_rare(comparison) else comparison.look()
        found.append(OtherOutcome(name, engine, holdout, look, look is not None and _is_harm(HARM[name], look)))
    return found


def shared_cards(orders: Sequence[ClosedOrder]) -> SharedCards:
    arms: dict[str, set[str]] = {}
    for one in orders:
        if one.card:
            arms.setdefault(one.card, set()).add(one.arm)
    return SharedCards(sum(len(found) > 1 for found in arms.values()), len(arms))


def _is_rare(comparison: Comparison) -> bool:
    with_it = sum(comparison.value(arm) for arm in ARMS)
    return min(with_it, sum(comparison.orders(arm) for arm in ARMS) - with_it) < RARE_MIN


def _is_harm(way: int, look: Difference) -> bool:
    return (way > 0 and look.low > 0) or (way < 0 and look.high < 0)


def _sends(orders: Sequence[ClosedOrder]) -> list[Outcome]:
    return [Outcome(o.payer, o.arm, o.sends, stratum=o.stratum) for o in orders if o.sends is not None]


def _disputes(orders: Sequence[ClosedOrder]) -> list[Outcome]:
    return [Outcome(o.payer, o.arm, float(o.disputed), stratum=o.stratum) for o in orders if o.disputed is not None]


def _orders_per_payer(orders: Sequence[ClosedOrder]) -> list[Outcome]:
    """A payer counts in the stratum of the first order."""
    counts: dict[str, int] = {}
    first: dict[str, ClosedOrder] = {}
    for one in orders:
        counts[one.payer] = counts.get(one.payer, 0) + 1
        first.setdefault(one.payer, one)
    return [Outcome(payer, one.arm, counts[payer], stratum=one.stratum) for payer, one in first.items()]


def _customers_lost(orders: Sequence[ClosedOrder]) -> list[Outcome]:
    """A payer is lost while the last order was not rescued."""
    last: dict[str, ClosedOrder] = {}
    for one in orders:
        if one.payer not in last or one.declined_on >= last[one.payer].declined_on:
            last[one.payer] = one
    return [Outcome(payer, one.arm, float(one.rescued_on is None), stratum=one.stratum) for payer, one in last.items()]


_OUTCOMES: Final[dict[Name, Callable[[Sequence[ClosedOrder]], list[Outcome]]]] = {
    "sends": _sends,
    "disputes": _disputes,
    "orders_per_payer": _orders_per_payer,
    "customers_lost": _customers_lost,
}
