"""Conditions for showing a figure with an interval, and what is missing where they are not met.
Pure."""

from typing import Final, Literal, NamedTuple

from recoup.backtest.rules.estimate import Estimate, Overlap

EFFECTIVE_MIN: Final = 200.0
UNSUPPORTED_MAX: Final = 0.02
CLIPPED_MAX: Final = 0.10
LARGEST_MAX: Final = 0.05
HALF_WIDTH_MAX: Final = 0.05
DAYS_MIN: Final = 14.0
EACH_MIN: Final = 50

Unread = Literal["attempts", "only_successes", "declined", "customers", "guessed", "unknown"]
Missing = Literal[
    Unread, "weight", "support", "clipped", "one_payer", "width", "days", "rescued", "not_rescued"
]


class Shortfall(NamedTuple):
    """`have` and `needed`: payers, shares, days or orders, as `what` has it."""

    what: Missing
    have: float
    needed: float


class Closed(NamedTuple):
    """The orders whose window has closed. `days`: between the first decline and the last window
    that closed."""

    orders: int
    rescued: int
    days: float


def missing_of_orders(closed: Closed) -> list[Shortfall]:
    """Shortfalls of orders that no policy could be judged without."""
    shortfalls: tuple[Shortfall, ...] = (
        Shortfall("days", closed.days, DAYS_MIN),
        Shortfall("rescued", closed.rescued, EACH_MIN),
        Shortfall("not_rescued", closed.orders - closed.rescued, EACH_MIN),
    )
    return [shortfall for shortfall in shortfalls if shortfall.have < shortfall.needed]


def missing_of_overlap(overlap: Overlap) -> list[Shortfall]:
    """Shortfalls of overlap that this policy cannot be judged without."""
    shortfalls = (
        [Shortfall("weight", overlap.effective, EFFECTIVE_MIN)]
        if overlap.effective < EFFECTIVE_MIN
        else []
    )
    too_much: tuple[Shortfall, ...] = (
        Shortfall("support", overlap.unsupported, UNSUPPORTED_MAX),
        Shortfall("clipped", overlap.clipped, CLIPPED_MAX),
        Shortfall("one_payer", overlap.largest, LARGEST_MAX),
    )
    return shortfalls + [shortfall for shortfall in too_much if shortfall.have > shortfall.needed]


def missing(
    closed: Closed, overlap: Overlap, estimate: Estimate, *, to_decide: float | None = None
) -> list[Shortfall]:
    """Shortfalls of an interval; an empty list where it may be shown. `to_decide`: the difference
    that a decision hangs on."""
    shortfalls = [*missing_of_orders(closed), *missing_of_overlap(overlap)]
    widest = HALF_WIDTH_MAX if to_decide is None else min(HALF_WIDTH_MAX, abs(to_decide) / 2)
    if not estimate.half_width <= widest:
        shortfalls.append(Shortfall("width", estimate.half_width, widest))
    return shortfalls
