"""Declined payments of a file without probabilities: what was rescued, and bounds that assume next
to nothing. Pure.

Payments whose first try may lie before the file, and those whose window ends after it, are left
out: the one would have failed already, the other may still be paid. So are those of which nobody
knows whether a later try was approved.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from recoup.backtest.rules.enough import Closed, Shortfall, missing_of_orders
from recoup.backtest.rules.estimate import Estimate, clustered
from recoup.imports.rules.attempt import Attempt
from recoup.imports.rules.report import GUESSED_MAX, RESCUE, edge_of
from recoup.kernel.frozen import frozen
from recoup.uplift.rules.comparison import half_width, mixture

WINDOW: Final = RESCUE
JUDGED: Final = 4  # models are judged by the last quarter of the time
SAME_SLOT: Final = timedelta(hours=6)
PAUSE: Final = timedelta(
    days=100
)  # longer than a quarter: between two parts of a file, no time of business
LENGTHS: Final = (14, 28, 56, 91, 182, 365)  # days of an experiment
SHARES: Final = (0.1, 0.5)
TELLING: Final = 0.01  # nobody needs it closer
COMPARED_MIN: Final = 20  # payments in the smaller part
CUSTOMERS_MIN: Final = 20  # of fewer, how far they differ is not known
UNKNOWN_MAX: Final = 0.05  # as wide as an interval that is shown
PERSON_MAX: Final = 1_000  # payments under one name; of more it is a placeholder, as `guest`
Payment = Sequence[Attempt]


@frozen
class Cohort:
    """`payments`: declined at first, whose window lies in the file. `begun_before`, `open`: left
    out at its edges. `unknown`: left out, too. `guessed`: share of attempts that were put together
    without a link. `pauses`: begin and end of times without any attempt."""

    payments: Sequence[Payment]
    open: Sequence[Payment]
    unknown: Sequence[Payment]
    attempts: int
    declined: int
    begun_before: int
    guessed: float
    first: datetime | None
    last: datetime | None
    window: timedelta
    pauses: Sequence[tuple[datetime, datetime]] = ()

    @property
    def learned_until(self) -> datetime:
        """The end of the time learned from; what comes later is what models are judged by. Of a
        file with attempts."""
        assert self.first is not None
        assert self.last is not None
        paused = sum((end - begin for begin, end in self.pauses), timedelta())
        at, left = self.last, (self.last - self.first - paused) / JUDGED
        for begin, end in reversed(self.pauses):
            if at - left >= end:
                break
            at, left = begin, left - (at - end)
        return at - left

    @property
    def days(self) -> float:
        """Days from the first decline of the cohort to the last window that closed, without
        pauses."""
        return self.running + self.window / timedelta(days=1) if self.payments else 0.0

    @property
    def running(self) -> float:
        """Days from its first decline to its last, without pauses."""
        begins = sorted(payment[0].at for payment in self.payments)
        gaps = (later - begin for begin, later in pairwise(begins))
        return sum((gap for gap in gaps if gap <= PAUSE), timedelta()) / timedelta(days=1)


class Bounds(NamedTuple):
    """The share that is rescued at least and at most, and the payments at which both are the
    same."""

    at_least: float
    at_most: float
    known: int


def cohort_of(payments: Iterable[Payment], window: timedelta = WINDOW) -> Cohort:
    every = [payment for payment in payments if payment]
    times = sorted(attempt.at for payment in every for attempt in payment)
    pauses = [(at, later) for at, later in pairwise(times) if later - at > PAUSE]
    begins, ends = (
        [*times[:1], *(end for _, end in pauses)],
        [*(begin for begin, _ in pauses), *times[-1:]],
    )
    kept, is_open, unknown, before, declined = (
        list[Payment](),
        list[Payment](),
        list[Payment](),
        0,
        0,
    )
    attempts = len(times)
    for charges in every:
        if charges[0].state != "declined":
            continue
        declined += 1
        part = bisect_right(begins, charges[0].at) - 1  # each part of the file has edges
        span = begins[part].timestamp(), ends[part].timestamp()
        edge = edge_of(charges[0].at.timestamp(), charges[0].attempt_no, *span, window)
        if edge == "before":
            before += 1
        elif edge == "after":
            is_open.append(charges)
        elif rescued_at(charges, window) is None and any(
            it.state == "unknown" for it in tries_of(charges, window)
        ):
            unknown.append(charges)
        else:
            kept.append(charges)
    guessed = (
        sum(attempt.guessed for payment in every for attempt in payment) / attempts
        if attempts
        else 0.0
    )
    first, last = (times[0], times[-1]) if times else (None, None)
    return Cohort(
        kept, is_open, unknown, attempts, declined, before, guessed, first, last, window, pauses
    )


def of_persons(payments: Sequence[Payment]) -> Sequence[Payment]:
    """Payments without the customers and cards that are placeholders: under such a name each
    payment is alone."""
    firsts = [payment[0] for payment in payments if payment]
    crowds = [
        {name for name, count in Counter(names).items() if name and count > PERSON_MAX}
        for names in ((first.customer for first in firsts), (first.card for first in firsts))
    ]
    if not any(crowds):
        return payments
    return [
        [
            attempt._replace(
                customer="" if attempt.customer in crowds[0] else attempt.customer,
                card="" if attempt.card in crowds[1] else attempt.card,
            )
            for attempt in payment
        ]
        for payment in payments
    ]


def rescued_at(payment: Payment, window: timedelta) -> datetime | None:
    """The time of rescue by a later attempt in its window. An approval that failed later is
    none."""
    end = payment[0].at + window
    return next(
        (
            attempt.at
            for attempt in payment[1:]
            if attempt.state == "approved" and not attempt.failed_later and attempt.at <= end
        ),
        None,
    )


def tries_of(payment: Payment, window: timedelta) -> list[Attempt]:
    """The sends after the decline, up to the one that was approved."""
    tries = list[Attempt]()
    for attempt in payment[1:]:
        if attempt.at > payment[0].at + window or attempt.state == "not_sent":
            continue
        tries.append(attempt)
        if attempt.state == "approved":
            break
    return tries


def lacking(cohort: Cohort) -> list[Shortfall]:
    """Shortfalls of what was rescued then."""
    if not cohort.attempts:
        return [Shortfall("attempts", 0, 1)]
    if not cohort.declined:
        return [Shortfall("only_successes", 0, 1)]
    rescued = sum(rescued_at(payment, cohort.window) is not None for payment in cohort.payments)
    shortfalls = [] if cohort.payments else [Shortfall("declined", 0, 1)]
    shortfalls += missing_of_orders(Closed(len(cohort.payments), rescued, cohort.days))
    if (unknown := _unknown(cohort)) > UNKNOWN_MAX:
        shortfalls.append(Shortfall("unknown", unknown, UNKNOWN_MAX))
    customers = len({payer_of(payment) for payment in cohort.payments})
    if not shortfalls and customers < CUSTOMERS_MIN:
        shortfalls.append(Shortfall("customers", customers, CUSTOMERS_MIN))
    return shortfalls + (
        [Shortfall("guessed", cohort.guessed, GUESSED_MAX)] if cohort.guessed > GUESSED_MAX else []
    )


def then(cohort: Cohort) -> Estimate:
    """The share rescued then: it happened. The interval is that of more payments like these, by
    customer, whatever became of those of which nobody knows."""
    values = [float(rescued_at(payment, cohort.window) is not None) for payment in cohort.payments]
    mean = sum(values) / len(values)
    influence = array("d", (value - mean for value in values))
    unknown = _unknown(cohort)
    error = clustered(map(payer_of, cohort.payments), influence)
    return Estimate(mean, influence, error, unknown * (1.0 - mean), unknown * mean)


def _unknown(cohort: Cohort) -> float:
    """The share of payments, but for those at the edges, of which nobody knows whether they were
    rescued."""
    return len(cohort.unknown) / max(1, len(cohort.payments) + len(cohort.unknown))


def payer_of(payment: Payment) -> str:
    return payment[0].customer or payment[0].card or payment[0].payment


class Outcome(NamedTuple):
    """Outcome of one payment under a policy: whether it is rescued at least and at most, 0 or 1;
    how many sends it makes; and when the money comes if it does: days from the decline."""

    least: int
    most: int
    sends_least: int
    sends_most: int
    earliest: float = 0.0
    latest: float = 0.0


def bounds(outcomes: Sequence[Outcome]) -> Bounds:
    low, high = (
        sum(outcome.least for outcome in outcomes),
        sum(outcome.most for outcome in outcomes),
    )
    count = len(outcomes)
    return Bounds(
        low / count, high / count, sum(outcome.least == outcome.most for outcome in outcomes)
    )


def outcome_of(payment: Payment, plan: Sequence[datetime], window: timedelta) -> Outcome:
    """`plan`: the tries that the policy plans when the payment is declined. Where its first tries
    were made then, six hours earlier or later, their outcome counts as seen; of what comes after,
    nothing is known."""
    tries, begin = tries_of(payment, window), payment[0].at
    for place, at in enumerate(plan):
        known = place < len(tries) and abs(tries[place].at - at) <= SAME_SLOT
        if not known or tries[place].state == "unknown":
            return Outcome(
                0, 1, place + 1, len(plan), _days(plan[place] - begin), _days(plan[-1] - begin)
            )
        if tries[place].state == "approved":
            days = _days(tries[place].at - begin)
            return Outcome(int(not tries[place].failed_later), 1, place + 1, place + 1, days, days)
    return Outcome(0, 0, len(plan), len(plan))


def _days(span: timedelta) -> float:
    return span / timedelta(days=1)


class Experiment(NamedTuple):
    """A comparison of so many payments, a share of them retried at random delays or by another
    policy. `plus_minus`: half the width of the interval that it shows, whenever one looks; a share.
    `days`: until so many come in. `at_risk`: payments of that share which today's retries would
    have rescued, about."""

    orders: int
    compared: float
    plus_minus: float
    days: float
    at_risk: int


def experiments(cohort: Cohort, rescued: float, drawn: float = 1.0) -> list[Experiment]:
    """Experiments from two weeks to a year, no longer than until the difference is told to a point.
    `rescued`: the share that is rescued now; `drawn`: of the attempts, the share that was read."""
    a_day = len(cohort.payments) / max(cohort.running, 1.0) / drawn
    trials = list[Experiment]()
    for share in SHARES:
        for days in LENGTHS:
            orders = round(a_day * days)
            if orders * share < COMPARED_MIN and days < LENGTHS[-1]:
                continue
            half = _half(rescued, orders, share)
            trials.append(
                Experiment(orders, share, half, orders / a_day, round(orders * share * rescued))
            )
            if half <= TELLING:
                break
    return sorted(trials)


def weeks_to_tell(rescued: float, a_day: float, difference: float) -> int | None:
    """Weeks of a comparison of one half of the payments with the other; None: more than a year."""
    for days in LENGTHS:
        orders = round(a_day * days)
        if orders and _half(rescued, orders, 0.5) <= max(difference, TELLING):
            return round(days / 7)
    return None


def _half(rescued: float, orders: int, holdout: float) -> float:
    variance = (
        rescued * (1.0 - rescued) * (1.0 / (orders * holdout) + 1.0 / (orders * (1.0 - holdout)))
    )
    return half_width(variance, orders, mixture(orders))
