"""Declined payments of a file without probabilities: what was rescued, and bounds that assume next to nothing. Pure.

Payments whose first try may lie before the file, and those whose window ends after it, are left out: the one would have
failed already, the other may still be paid.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from recoup.rules.backtest.enough import Closed, Shortfall, missing_of_orders
from recoup.rules.backtest.estimate import Estimate, clustered
from recoup.rules.imports.attempt import Attempt
from recoup.rules.imports.payments import GUESSED_MAX, RESCUE, edge_of
from recoup.rules.uplift.comparison import half_width, mixture

WINDOW: Final = RESCUE
JUDGED: Final = 4  # models are judged by the last quarter of the time
SAME_SLOT: Final = timedelta(hours=6)
EXPERIMENTS: Final = ((5_000, 0.1), (20_000, 0.1), (20_000, 0.3), (60_000, 0.1))
CUSTOMERS_MIN: Final = 20  # of fewer, how far they differ is not known
TWO_WEEKS: Final = 14
OWN_SHARES: Final = (0.1, 0.3, 0.5)
COMPARED_MIN: Final = 20  # payments in the smaller part
Payment = Sequence[Attempt]


@dataclass(frozen=True, slots=True)
class Cohort:
    """`payments`: declined at first, whose window lies in the file. `begun_before`, `open`: left out at its edges.
    `guessed`: share of attempts that were put together without a link."""

    payments: Sequence[Payment]
    open: Sequence[Payment]
    attempts: int
    declined: int
    begun_before: int
    guessed: float
    first: datetime | None
    last: datetime | None
    window: timedelta

    @property
    def learned_until(self) -> datetime:
        """What was tried before is learned from, the rest is what models are judged by. Of a file with attempts."""
        assert self.first is not None
        assert self.last is not None
        return self.last - (self.last - self.first) / JUDGED

    @property
    def days(self) -> float:
        """From the first decline of the cohort to the last window that closed."""
        if not self.payments:
            return 0.0
        begins = [one[0].at for one in self.payments]
        return (max(begins) + self.window - min(begins)) / timedelta(days=1)


class Bounds(NamedTuple):
    """The share that is rescued at least and at most, and the payments at which both are the same."""

    at_least: float
    at_most: float
    known: int


def cohort_of(payments: Iterable[Payment], window: timedelta = WINDOW) -> Cohort:
    every = [one for one in payments if one]
    first = min((one[0].at for one in every), default=None)
    last = max((one[-1].at for one in every), default=None)
    kept, is_open, before, declined = list[Payment](), list[Payment](), 0, 0
    attempts = sum(map(len, every))
    for one in every:
        if one[0].state != "declined":
            continue
        declined += 1
        assert first is not None
        assert last is not None
        at, span = one[0].at.timestamp(), (first.timestamp(), last.timestamp())
        edge = edge_of(at, one[0].attempt_no, *span, window)
        if edge == "before":
            before += 1
        elif edge == "after":
            is_open.append(one)
        else:
            kept.append(one)
    guessed = sum(attempt.guessed for one in every for attempt in one) / attempts if attempts else 0.0
    return Cohort(kept, is_open, attempts, declined, before, guessed, first, last, window)


def rescued_at(payment: Payment, window: timedelta) -> datetime | None:
    """By a later try in its window. An approval that failed later is none."""
    end = payment[0].at + window
    return next(
        (one.at for one in payment[1:] if one.state == "approved" and not one.failed_later and one.at <= end), None
    )


def tries_of(payment: Payment, window: timedelta) -> list[Attempt]:
    """The sends after the decline, up to the one that was approved."""
    found = list[Attempt]()
    for one in payment[1:]:
        if one.at > payment[0].at + window or one.state == "not_sent":
            continue
        found.append(one)
        if one.state == "approved":
            break
    return found


def lacking(cohort: Cohort) -> list[Shortfall]:
    """What there is too little of to say what was rescued then."""
    if not cohort.attempts:
        return [Shortfall("attempts", 0, 1)]
    if not cohort.declined:
        return [Shortfall("only_successes", 0, 1)]
    rescued = sum(rescued_at(one, cohort.window) is not None for one in cohort.payments)
    found = [] if cohort.payments else [Shortfall("declined", 0, 1)]
    found += missing_of_orders(Closed(len(cohort.payments), rescued, cohort.days))
    customers = len({payer_of(one) for one in cohort.payments})
    if not found and customers < CUSTOMERS_MIN:
        found.append(Shortfall("customers", customers, CUSTOMERS_MIN))
    return found + ([Shortfall("guessed", cohort.guessed, GUESSED_MAX)] if cohort.guessed > GUESSED_MAX else [])


def then(cohort: Cohort) -> Estimate:
    """What was rescued: it happened. The interval is that of more payments like these, by customer."""
    values = [float(rescued_at(one, cohort.window) is not None) for one in cohort.payments]
    mean = sum(values) / len(values)
    influence = array("d", (value - mean for value in values))
    return Estimate(mean, influence, clustered(map(payer_of, cohort.payments), influence))


def payer_of(payment: Payment) -> str:
    return payment[0].customer or payment[0].card or payment[0].payment


class Outcome(NamedTuple):
    """Of one payment under a policy: whether it is rescued at least and at most, 0 or 1; how many sends it makes; and
    when the money comes if it does: days from the decline."""

    least: int
    most: int
    sends_least: int
    sends_most: int
    earliest: float = 0.0
    latest: float = 0.0


def bounds(outcomes: Sequence[Outcome]) -> Bounds:
    low, high = sum(one.least for one in outcomes), sum(one.most for one in outcomes)
    count = len(outcomes)
    return Bounds(low / count, high / count, sum(one.least == one.most for one in outcomes))


def outcome_of(payment: Payment, plan: Sequence[datetime], window: timedelta) -> Outcome:
    """`plan`: the tries that the policy plans when the payment is declined. Where its first tries were made then, six
    hours earlier or later, their outcome counts as seen; of what comes after, nothing is known."""
    tries, begin = tries_of(payment, window), payment[0].at
    for place, at in enumerate(plan):
        known = place < len(tries) and abs(tries[place].at - at) <= SAME_SLOT
        if not known or tries[place].state == "unknown":
            return Outcome(0, 1, place + 1, len(plan), _days(plan[place] - begin), _days(plan[-1] - begin))
        if tries[place].state == "approved":
            days = _days(tries[place].at - begin)
            return Outcome(int(not tries[place].failed_later), 1, place + 1, place + 1, days, days)
    return Outcome(0, 0, len(plan), len(plan))


def _days(span: timedelta) -> float:
    return span / timedelta(days=1)


class Experiment(NamedTuple):
    """A comparison of so many payments, a share of them retried at random delays or by another policy. `plus_minus`:
    half the width of the interval that it shows, whenever one looks; a share. `days`: until so many come in.
    `at_risk`: payments of that share which today's retries would have rescued, about."""

    orders: int
    compared: float
    plus_minus: float
    days: float
    at_risk: int


def experiments(cohort: Cohort, rescued: float, drawn: float = 1.0) -> list[Experiment]:
    """First two weeks of the merchant's own. `rescued`: the share that is rescued now; `drawn`: of the attempts, the
    share that was read."""
    begins = [one[0].at for one in cohort.payments]
    span = (max(begins) - min(begins)) / timedelta(days=1)
    a_day = len(begins) / max(span, 1.0) / drawn
    weeks = round(a_day * TWO_WEEKS)
    own = [(weeks, share) for share in OWN_SHARES if weeks * min(share, 1.0 - share) >= COMPARED_MIN]
    return [
        Experiment(orders, share, _half(rescued, orders, share), orders / a_day, round(orders * share * rescued))
        for orders, share in (*own, *EXPERIMENTS)
    ]


def _half(rescued: float, orders: int, holdout: float) -> float:
    variance = rescued * (1.0 - rescued) * (1.0 / (orders * holdout) + 1.0 / (orders * (1.0 - holdout)))
    return half_width(variance, orders, mixture(orders))
