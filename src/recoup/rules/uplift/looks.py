"""A comparison as it stood day by day. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, Literal

from recoup.rules.uplift.closed_order import ClosedOrder
from recoup.rules.uplift.comparison import Comparison, Difference, Outcome, Uplift

FIRST: Final = timedelta(days=30)  # whose orders say how many come in 90 days
QUARTER: Final = timedelta(days=91)
Step = Literal["day", "week", "total"]


@dataclass(frozen=True, slots=True)
class Look:
    """After all windows that closed up to `on`."""

    on: date
    engine: int
    holdout: int
    difference: Difference | None


@dataclass(slots=True)
class Looks:
    """`money`: by currency, shares of amounts. `by`: of the rescued orders of each arm, what brought the money."""

    looks: list[Look] = field(default_factory=list)
    counted: Comparison = field(default_factory=lambda: Comparison(1))
    money: dict[str, Comparison] = field(default_factory=dict)
    by: dict[str, Counter[str]] = field(default_factory=lambda: {"engine": Counter(), "holdout": Counter()})
    alarm: Literal["harm", "gone"] | None = None
    expected: int = 0


def looks_of(orders: Sequence[ClosedOrder], step: Step, expected: int | None = None) -> Looks:
    """`orders` by closing day. `expected`: orders in 90 days; by default three times those declined in the first 30."""
    found = Looks()
    if not orders:
        return found
    began = min(one.declined_on for one in orders)
    found.expected = expected or 3 * sum(one.declined_on < began + FIRST for one in orders)
    uplift, quarter_ends = Uplift(found.expected), orders[0].closed_on + QUARTER
    found.counted = uplift.whole
    for at, one in enumerate(orders):
        while one.closed_on >= quarter_ends:
            uplift.begin_quarter()
            quarter_ends += QUARTER
        uplift.add(_outcome(one, 1.0))
        money = found.money.setdefault(one.currency, Comparison(found.expected))
        money.add(_outcome(one, one.amount))
        if one.rescued_on is not None:
            found.by[one.arm][one.by or "unknown"] += 1
        following = orders[at + 1].closed_on if at + 1 < len(orders) else None
        if following is None or following > one.closed_on:
            found.alarm = uplift.alarm()
        if following is None or _ends(one.closed_on, following, step):
            whole = uplift.whole
            found.looks.append(Look(one.closed_on, whole.orders("engine"), whole.orders("holdout"), whole.look()))
    return found


def _outcome(one: ClosedOrder, weight: float) -> Outcome:
    return Outcome(one.payer, one.arm, one.rescued_on is not None, one.chance or 0.0, weight, one.share)


def _ends(day: date, following: date, step: Step) -> bool:
    if step == "day":
        return following > day
    return step == "week" and following.isocalendar()[:2] != day.isocalendar()[:2]
