"""Bounds of a history that assumptions narrow. Each is named, and stands beside the bounds that assume nothing. What a
payment's own attempts contradict is not assumed of it, and counted. Pure."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import and_
from typing import Final, Literal, NamedTuple

from recoup.rules.backtest.history import SAME_SLOT, Outcome, Payment, rescued_at, tries_of
from recoup.rules.imports.attempt import Attempt

Assumption = Literal["lasting", "payer"]
CHOICES: Final[tuple[tuple[Assumption, ...], ...]] = (("lasting",), ("payer",), ("lasting", "payer"))
"""`lasting`: once an attempt is approved, a later one would have been, too; when one is declined, an earlier one would
have been, too. `payer`: another charge of the same card (of the customer, where the file names no card) shows what an
attempt within six hours of it would have brought: approved and of as much at least, or declined and of as much at most.
"""


class Narrowed(NamedTuple):
    """The share that is rescued at least and at most under `assumed`. `known`: payments at which both are the same;
    `contradicted`: those whose attempts speak against it."""

    assumed: tuple[Assumption, ...]
    at_least: float
    at_most: float
    known: int
    contradicted: int


class Case(NamedTuple):
    """`plan`: the attempts of the policy; `outcome`: what is known of it without assumptions."""

    payment: Payment
    plan: Sequence[datetime]
    outcome: Outcome


def charges_by_card(payments: Iterable[Payment]) -> Mapping[str, Sequence[Attempt]]:
    """All attempts that an issuer answered, by card or else customer, in order of time."""
    found = defaultdict[str, list[Attempt]](list)
    for payment in payments:
        for one in payment:
            if whose(one) and one.state in ("approved", "declined") and not one.failed_later:
                found[whose(one)].append(one)
    for charges in found.values():
        charges.sort(key=_time)
    return found


def whose(one: Attempt) -> str:
    return one.card or one.customer


def narrow(cases: Sequence[Case], charges: Mapping[str, Sequence[Attempt]], window: timedelta) -> list[Narrowed]:
    """Of at least one case, by each of `CHOICES`."""
    found = []
    for assumed in CHOICES:
        spans = [_span(one, charges.get(whose(one.payment[0]), ()), window, assumed) for one in cases]
        every = [
            (one.outcome.least, one.outcome.most) if span is None else span
            for one, span in zip(cases, spans, strict=True)
        ]
        least, most = sum(low for low, _ in every), sum(high for _, high in every)
        known = sum(low == high for low, high in every)
        found.append(Narrowed(assumed, least / len(cases), most / len(cases), known, spans.count(None)))
    return found


def _span(
    case: Case, charges: Sequence[Attempt], window: timedelta, assumed: Sequence[Assumption]
) -> tuple[int, int] | None:
    """Whether it is rescued at least and at most; None: its attempts contradict."""
    payment, plan, outcome = case
    if outcome.least == outcome.most:
        return outcome.least, outcome.most
    paid, refused = _others(payment, charges, window) if "payer" in assumed else ([], [])
    if "lasting" in assumed:
        at = rescued_at(payment, window)
        paid += [at] if at is not None else []
        refused += [one.at for one in tries_of(payment, window) if one.state == "declined"]
        since, until = min(paid, default=None), max(refused, default=None)
        if since is not None and until is not None and until > since:
            return None
        would = [since is not None and at >= since for at in plan]
        would_not = [until is not None and at <= until for at in plan]
    else:
        unseen = plan[outcome.sends_least - 1 :]  # the attempts before were made, and declined
        would, would_not = [_is_near(at, paid) for at in unseen], [_is_near(at, refused) for at in unseen]
        if any(map(and_, would, would_not)):
            return None
    least = 1 if any(would) else outcome.least
    return least, 0 if all(would_not) and not least else outcome.most


def _others(payment: Payment, charges: Sequence[Attempt], window: timedelta) -> tuple[list[datetime], list[datetime]]:
    """When other charges of the card, after the decline, show that this amount would be paid, and that it would not."""
    first, own = payment[0], {(one.provider, one.ref) for one in payment}
    begin, end = bisect_right(charges, first.at, key=_time), bisect_right(charges, first.at + window, key=_time)
    others = [one for one in charges[begin:end] if one.asset == first.asset and (one.provider, one.ref) not in own]
    return (
        [one.at for one in others if one.state == "approved" and one.units >= first.units],
        [one.at for one in others if one.state == "declined" and one.units <= first.units],
    )


def _is_near(at: datetime, times: Sequence[datetime]) -> bool:
    place = bisect_left(times, at - SAME_SLOT)
    return place < len(times) and times[place] <= at + SAME_SLOT


def _time(one: Attempt) -> datetime:
    return one.at
