"""The comparison of arms as one object, for the command, the page and the API alike. Pure.

Sites and campaigns are numbered as their first windows closed, and each may err less than the one
before: all of them together, at every look, as often as one comparison alone.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal

from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS
from recoup.kernel.stop import stoppable
from recoup.uplift.rules.closed_order import ClosedOrder, OrdersRead
from recoup.uplift.rules.cohorts import CURVE_DAYS, Cohort, Sums
from recoup.uplift.rules.comparison import ALPHA, Comparison, Difference, Outcome, quarter_alpha
from recoup.uplift.rules.looks import Looks, outcome_of, promised
from recoup.uplift.rules.strata import ARMS, ComparedArm

Name = Literal["sends", "disputes", "orders_per_payer", "customers_lost"]
# name -> which way is harm: 1 more, -1 fewer, 0 neither by itself
HARM: Final[dict[Name, int]] = {
    "sends": 0,
    "disputes": 1,
    "orders_per_payer": -1,
    "customers_lost": 1,
}
_YES_OR_NO: Final[tuple[Name, ...]] = ("disputes", "customers_lost")
RARE_MIN: Final = (
    10  # orders of both arms with it, and as many without: fewer are no normal distribution
)
SHARED_CARDS_MAX: Final = (
    0.02  # of the cards; above it their allowance and their banks' mood are shared by the arms
)


@frozen
class OtherOutcome:
    """`engine`, `holdout`: means. `difference`: None while there are too few payers. `harm`: the
    interval says so."""

    name: Name
    engine: float
    holdout: float
    difference: Difference | None
    harm: bool


@frozen
class SharedCards:
    """Cards that payers of both arms hold, of how many in all."""

    shared: int
    cards: int

    @property
    def too_many(self) -> bool:
        return self.shared > SHARED_CARDS_MAX * self.cards


def other_outcomes(orders: Sequence[ClosedOrder], expected: int) -> list[OtherOutcome]:
    """Other outcomes by name; without those that nobody counted. `expected`: orders in 90 days, as
    in the main comparison."""
    others = []
    for name, outcomes in _OUTCOMES.items():
        comparison = Comparison(expected, ALPHA / len(HARM), alike=True)
        for outcome in outcomes(orders):
            comparison.add(outcome)
        engine, holdout = comparison.mean("engine"), comparison.mean("holdout")
        if math.isnan(engine) or math.isnan(holdout):
            continue
        look = None if name in _YES_OR_NO and _is_rare(comparison) else comparison.look()
        others.append(
            OtherOutcome(
                name, engine, holdout, look, look is not None and _is_harm(HARM[name], look)
            )
        )
    return others


def shared_cards(orders: Sequence[ClosedOrder]) -> SharedCards:
    arms: dict[str, set[str]] = {}
    for order in orders:
        if order.card:
            arms.setdefault(order.card, set()).add(order.arm)
    return SharedCards(sum(len(known) > 1 for known in arms.values()), len(arms))


def _is_rare(comparison: Comparison) -> bool:
    with_it = sum(comparison.value(arm) for arm in ARMS)
    return min(with_it, sum(comparison.orders(arm) for arm in ARMS) - with_it) < RARE_MIN


def _is_harm(way: int, look: Difference) -> bool:
    return (way > 0 and look.low > 0) or (way < 0 and look.high < 0)


def _sends(orders: Sequence[ClosedOrder]) -> list[Outcome]:
    return [
        Outcome(o.payer, o.arm, o.sends, stratum=o.stratum) for o in orders if o.sends is not None
    ]


def _disputes(orders: Sequence[ClosedOrder]) -> list[Outcome]:
    return [
        Outcome(o.payer, o.arm, float(o.disputed), stratum=o.stratum)
        for o in orders
        if o.disputed is not None
    ]


def _orders_per_payer(orders: Sequence[ClosedOrder]) -> list[Outcome]:
    """A payer counts in the stratum of the first order."""
    counts: dict[str, int] = {}
    first: dict[str, ClosedOrder] = {}
    for order in orders:
        counts[order.payer] = counts.get(order.payer, 0) + 1
        first.setdefault(order.payer, order)
    return [
        Outcome(payer, order.arm, counts[payer], stratum=order.stratum)
        for payer, order in first.items()
    ]


def _customers_lost(orders: Sequence[ClosedOrder]) -> list[Outcome]:
    """A payer is lost while the last order was not rescued."""
    last: dict[str, ClosedOrder] = {}
    for order in orders:
        if order.payer not in last or order.declined_on >= last[order.payer].declined_on:
            last[order.payer] = order
    return [
        Outcome(payer, order.arm, float(order.rescued_on is None), stratum=order.stratum)
        for payer, order in last.items()
    ]


_OUTCOMES: Final[dict[Name, Callable[[Sequence[ClosedOrder]], list[Outcome]]]] = {
    "sends": _sends,
    "disputes": _disputes,
    "orders_per_payer": _orders_per_payer,
    "customers_lost": _customers_lost,
}


def compared_places(read: OrdersRead) -> dict[str, Comparison]:
    """Comparisons by site and campaign; of each as many orders are expected in 90 days as its first
    30 days promise."""
    declined: dict[str, list[date]] = {}
    for day, place in read.declined():
        declined.setdefault(place, []).append(day)
    compared: dict[str, Comparison] = {}
    for order in stoppable(read.closed):
        if order.place not in compared:
            compared[order.place] = Comparison(
                promised(declined[order.place], read.until)[1], quarter_alpha(len(compared))
            )
        compared[order.place].add(outcome_of(order))
    return compared


def place_figures(compared: Mapping[str, Comparison], place: str) -> dict[str, Any]:
    """Figures of one place; without orders of both arms there is nothing to compare, with few
    payers not enough."""
    comparison = compared.get(place)
    look = comparison.look() if comparison is not None else None
    return {
        "engine": _arm(comparison, "engine"),
        "holdout": _arm(comparison, "holdout"),
        **_bounds(look),
    }


def _arm(comparison: Comparison | None, arm: ComparedArm) -> dict[str, Any]:
    orders = comparison.orders(arm) if comparison is not None else 0
    rescued = round(comparison.mean(arm) * orders) if comparison is not None and orders else 0
    return {
        "orders": orders,
        "payers": comparison.payers(arm) if comparison is not None else 0,
        "rescued": rescued,
    }


_HARM_OF: Final = "other:"


def comparison_report(orders: OrdersRead, looks: Looks) -> dict[str, Any]:
    """Shares from 0 to 1; None where there is not enough yet."""
    counted, cards = looks.counted, shared_cards(orders.closed)
    return {
        "orders": {
            "closed": len(orders.closed),
            "open": orders.open,
            "other": orders.other,
            "oneIn": orders.one_in,
        },
        "arms": {
            arm: {
                "orders": counted.orders(arm),
                "payers": counted.payers(arm),
                "rescued": _rounded(counted.mean(arm)),
                "by": dict(looks.by[arm].most_common()),
            }
            for arm in ARMS
        },
        "expected": looks.expected,
        "looks": [
            {"on": look.on.isoformat(), "engine": look.engine, "holdout": look.holdout}
            | _bounds(look.difference)
            for look in looks.looks
        ],
        "byAmount": {asset: _amounts(asset, money) for asset, money in sorted(looks.money.items())},
        "ordersMissing": counted.orders_missing(),
        "alarm": looks.alarm,
        "others": [_other(outcome) for outcome in other_outcomes(orders.closed, looks.expected)],
        "sharedCards": {"shared": cards.shared, "cards": cards.cards, "tooMany": cards.too_many},
        "payersInBothArms": len(orders.moved),
    }


def cohort_report(
    weeks: Sequence[Cohort], places: Sequence[tuple[dict[str, Any], Sums]]
) -> dict[str, Any]:
    """`places`: each with what names it."""
    return {
        "curveDays": list(CURVE_DAYS),
        "cohorts": [
            {"week": week.week.isoformat(), "curve": [_rounded(share) for share in week.curve]}
            | _sums(week.sums)
            for week in weeks
        ],
        "places": [names | _sums(sums) for names, sums in places],
    }


def findings(report: dict[str, Any]) -> str | None:
    """Finding that people should hear of, as a code, the worst first: harm, `other:NAMES`, gone or
    shown; None: nothing yet."""
    if report["alarm"] == "harm":
        return "harm"
    if harmed := [other["name"] for other in report["others"] if other["harm"]]:
        return _HARM_OF + ",".join(harmed)
    if report["alarm"]:
        return str(report["alarm"])
    last = report["looks"][-1] if report["looks"] else None
    return "shown" if last and last["low"] is not None and last["low"] > 0 else None


def is_harm(finding: str) -> bool:
    """True when the harm is in the rescued share, or in what else is compared."""
    return finding == "harm" or finding.startswith(_HARM_OF)


def _sums(sums: Sums) -> dict[str, Any]:
    return {
        "orders": sums.orders,
        "closed": sums.closed,
        "rescued": sums.rescued,
        "rate": _rounded(sums.rate),
        "units": dict(sorted(sums.units.items())),
        "rescuedUnits": dict(sorted(sums.rescued_units.items())),
    }


def _amounts(asset: str, money: Comparison) -> dict[str, Any]:
    """Amounts of each arm: what was declined and what of it was rescued, in minor units."""
    scale = 10 ** EXPONENTS.get(asset, 2)
    sums = {
        arm: {
            "declined": round(money.weight(arm) * scale),
            "rescued": round(money.value(arm) * scale),
        }
        for arm in ARMS
    }
    return sums | _bounds(money.look())


def _other(other: OtherOutcome) -> dict[str, Any]:
    means = {"engine": round(other.engine, 6), "holdout": round(other.holdout, 6)}
    return {"name": other.name, **means, **_bounds(other.difference), "harm": other.harm}


def _rounded(share: float | None) -> float | None:
    return None if share is None or math.isnan(share) else round(share, 6)


def _bounds(difference: Difference | None) -> dict[str, float | None]:
    if difference is None:
        return {"difference": None, "low": None, "high": None}
    return {
        "difference": round(difference.difference, 6),
        "low": round(difference.low, 6),
        "high": round(difference.high, 6),
    }
