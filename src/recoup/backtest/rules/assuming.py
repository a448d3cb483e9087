"""Bounds of a history that one assumption narrows. Another charge of the same card (of the
customer, where the file names no card) shows what an attempt within six hours of it would have
brought: approved and of as much at least, or declined and of as much at most. It is not assumed of
a payment whose own attempts contradict it. Such payments are counted; of many no bounds are told.
Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import and_
from typing import Final, Literal, NamedTuple

from recoup.backtest.rules.history import SAME_SLOT, Outcome, Payment
from recoup.imports.rules.attempt import Attempt

Answered = Literal["approved", "declined"]
CONTRADICTED_MAX: Final = 0.1  # of the payments of which it says anything


class Narrowed(NamedTuple):
    """The share that is rescued at least and at most, None where too many payments speak against
    the assumption. `known`: payments at which both are the same; `contradicted`: those whose
    attempts speak against it. `spans`: of each payment."""

    at_least: float | None
    at_most: float | None
    known: int
    contradicted: int
    spans: Sequence[tuple[int, int]]


class Case(NamedTuple):
    """`plan`: the attempts of the policy; `outcome`: what is known of it without assumptions."""

    payment: Payment
    plan: Sequence[datetime]
    outcome: Outcome


def charges_by_card(payments: Iterable[Payment]) -> Mapping[str, Sequence[Attempt]]:
    """All attempts that an issuer answered, by card or else customer, in order of time."""
    by_card = defaultdict[str, list[Attempt]](list)
    for payment in payments:
        for attempt in payment:
            if (
                whose(attempt)
                and attempt.state in ("approved", "declined")
                and not attempt.failed_later
            ):
                by_card[whose(attempt)].append(attempt)
    for charges in by_card.values():
        charges.sort(key=_time)
    return by_card


def whose(attempt: Attempt) -> str:
    return attempt.card or attempt.customer


def narrow(
    cases: Sequence[Case], charges: Mapping[str, Sequence[Attempt]], window: timedelta
) -> Narrowed:
    """Narrows the bounds of at least one case."""
    spans, concerned, contradicted = list[tuple[int, int]](), 0, 0
    for case in cases:
        base = case.outcome.least, case.outcome.most
        span = _span(case, charges.get(whose(case.payment[0]), ()), window)
        contradicted += span is None
        concerned += span != base
        spans.append(span or base)
    holds = contradicted <= CONTRADICTED_MAX * concerned
    least, most = (sum(ends) / len(cases) for ends in zip(*spans, strict=True))
    known = sum(low == high for low, high in spans)
    return Narrowed(least if holds else None, most if holds else None, known, contradicted, spans)


def _span(case: Case, charges: Sequence[Attempt], window: timedelta) -> tuple[int, int] | None:
    """The least and the most that it is rescued, 0 or 1; None: its attempts contradict."""
    payment, plan, outcome = case
    if outcome.least == outcome.most:
        return outcome.least, outcome.most
    begin, end = payment[0].at, payment[0].at + window
    unseen = plan[outcome.sends_least - 1 :]  # the attempts before were made, and declined
    near = [
        (max(begin, at - SAME_SLOT - timedelta.resolution), min(end, at + SAME_SLOT))
        for at in unseen
    ]
    would, would_not = (
        [_shown(payment, charges, state, *slot) for slot in near]
        for state in ("approved", "declined")
    )
    if any(map(and_, would, would_not)):
        return None
    least = 1 if any(would) else outcome.least
    return least, 0 if all(would_not) and not least else outcome.most


def _shown(
    payment: Payment, charges: Sequence[Attempt], state: Answered, begin: datetime, end: datetime
) -> bool:
    """True when another charge of the card, after `begin` and until `end`, shows that this amount
    would be paid, or that it would not."""
    first, own = payment[0], {(attempt.provider, attempt.ref) for attempt in payment}
    for place in range(
        bisect_right(charges, begin, key=_time), bisect_right(charges, end, key=_time)
    ):
        charge = charges[place]
        tells = charge.units >= first.units if state == "approved" else charge.units <= first.units
        if (
            charge.state == state
            and tells
            and charge.asset == first.asset
            and (charge.provider, charge.ref) not in own
        ):
            return True
    return False


def _time(attempt: Attempt) -> datetime:
    return attempt.at
