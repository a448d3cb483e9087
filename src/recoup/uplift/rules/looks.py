"""A comparison as it stood day by day. Pure."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, Literal

from recoup.kernel.frozen import frozen
from recoup.kernel.stop import stoppable
from recoup.uplift.rules.closed_order import ClosedOrder, OrdersRead
from recoup.uplift.rules.comparison import Comparison, Difference, Outcome, Uplift

FIRST: Final = timedelta(
    days=30
)  # whose orders say how many come in 90 days; until then there is no look
QUARTER: Final = timedelta(days=91)
Step = Literal["day", "week", "total"]


@frozen
class Look:
    """State after all windows that closed up to `on`."""

    on: date
    engine: int
    holdout: int
    difference: Difference | None


@dataclass(slots=True)
class Looks:
    """`money`: by currency, shares of amounts. `by`: of the rescued orders of each arm, what
    brought the money. `expected`: orders in 90 days, 0 until it is fixed."""

    looks: list[Look] = field(default_factory=list)
    counted: Comparison = field(default_factory=lambda: Comparison(0))
    money: dict[str, Comparison] = field(default_factory=dict)
    by: dict[str, Counter[str]] = field(
        default_factory=lambda: {"engine": Counter(), "holdout": Counter()}
    )
    alarm: Literal["harm", "gone"] | None = None
    expected: int = 0


def looks_of(read: OrdersRead, step: Step, expected: int | None = None) -> Looks:
    """`expected`: orders in 90 days; by default as `promised` says, from the day on which it is
    fixed."""
    looks, orders = Looks(), read.closed
    if not orders:
        return looks
    fixed_on, by_default = promised([day for day, _ in read.declined()], read.until)
    looks.expected = expected or by_default
    uplift, quarter_ends = Uplift(looks.expected), orders[0].closed_on + QUARTER
    looks.counted = uplift.whole
    for at, order in enumerate(stoppable(orders)):
        while order.closed_on >= quarter_ends:
            uplift.begin_quarter()
            quarter_ends += QUARTER
        uplift.add(outcome_of(order))
        money = looks.money.setdefault(order.currency, Comparison(looks.expected))
        money.add(outcome_of(order, order.amount))
        if order.rescued_on is not None:
            looks.by[order.arm][order.by or "unknown"] += 1
        following = orders[at + 1].closed_on if at + 1 < len(orders) else None
        is_fixed = (
            expected is not None or (order.closed_on if following else read.until) >= fixed_on
        )
        if is_fixed and (following is None or following > order.closed_on):
            looks.alarm = uplift.alarm()
        if following is None or _ends(order.closed_on, following, step):
            whole = uplift.whole
            look = whole.look() if is_fixed else None
            looks.looks.append(
                Look(order.closed_on, whole.orders("engine"), whole.orders("holdout"), look)
            )
    return looks


def promised(declined: Collection[date], now: date) -> tuple[date, int]:
    """Day when the first 30 days are over, and then three times the orders that were declined in
    them; until then 0. It stays so, whatever comes later."""
    fixed_on = min(declined) + FIRST
    return fixed_on, 3 * sum(day < fixed_on for day in declined) if now >= fixed_on else 0


def outcome_of(order: ClosedOrder, weight: float = 1.0) -> Outcome:
    return Outcome(
        order.payer,
        order.arm,
        order.rescued_on is not None,
        order.chance or 0.0,
        weight,
        order.stratum,
    )


def _ends(day: date, following: date, step: Step) -> bool:
    if step == "day":
        return following > day
    return step == "week" and following.isocalendar()[:2] != day.isocalendar()[:2]
