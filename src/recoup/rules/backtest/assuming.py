"""Bounds of a history that assumptions narrow. Each is named, and stands beside the bounds that assume nothing. What a
payment's own attempts contradict is not assumed of it, and counted; of many such payments no bounds are told. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from operator import and_
from typing import Final, Literal, NamedTuple

from recoup.rules.backtest.history import SAME_SLOT, Outcome, Payment, rescued_at, tries_of
from recoup.rules.imports.attempt import Attempt

Answered = Literal["approved", "declined"]
Assumption = Literal["lasting", "payer"]
CHOICES: Final[tuple[tuple[Assumption, ...], ...]] = (("lasting",), ("payer",), ("lasting", "payer"))
"""`lasting`: once an attempt is approved, a later one would have been, too; when one is declined, an earlier one would
have been, too. `payer`: another charge of the same card (of the customer, where the file names no card) shows what an
attempt within six hours of it would have brought: approved and of as much at least, or declined and of as much at most.
"""

CONTRADICTED_MAX: Final = 0.1  # of the payments of which an assumption says anything


class Narrowed(NamedTuple):
    """The share that is rescued at least and at most under `assumed`, None where too many payments speak against it.
    `known`: payments at which both are the same; `contradicted`: those whose attempts speak against it."""

    assumed: tuple[Assumption, ...]
    at_least: float | None
    at_most: float | None
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
    """Of at least one case, by each of `CHOICES`. What narrows by fewer assumptions narrows by more of them, too."""
    spans = dict[tuple[Assumption, ...], list[tuple[int, int]]]()
    found = []
    for assumed in CHOICES:
        fewer = [spans[one] for one in CHOICES if len(one) < len(assumed)]
        spans[assumed], concerned, contradicted = [], 0, 0
        for place, one in enumerate(cases):
            low, high, agree = one.outcome.least, one.outcome.most, True
            own = _span(one, charges.get(whose(one.payment[0]), ()), window, assumed)
            for span in (*(some[place] for some in fewer), own):
                if span is None or span[0] > high or span[1] < low:
                    agree = False
                else:
                    low, high = max(low, span[0]), min(high, span[1])
            spans[assumed].append((low, high))
            contradicted += not agree
            concerned += not agree or (low, high) != (one.outcome.least, one.outcome.most)
        holds = contradicted <= CONTRADICTED_MAX * concerned
        least, most = (sum(ends) / len(cases) for ends in zip(*spans[assumed], strict=True))
        known = sum(low == high for low, high in spans[assumed])
        found.append(Narrowed(assumed, least if holds else None, most if holds else None, known, contradicted))
    return found


def _span(
    case: Case, charges: Sequence[Attempt], window: timedelta, assumed: Sequence[Assumption]
) -> tuple[int, int] | None:
    """Whether it is rescued at least and at most; None: its attempts contradict."""
    payment, plan, outcome = case
    if outcome.least == outcome.most:
        return outcome.least, outcome.most
    others, begin, end = charges if "payer" in assumed else (), payment[0].at, payment[0].at + window
    if "lasting" in assumed:
        paid = [rescued_at(payment, window), next(_shown(payment, others, "approved", begin, end), None)]
        refused = [one.at for one in tries_of(payment, window) if one.state == "declined"]
        refused += islice(_shown(payment, others, "declined", begin, end, latest_first=True), 1)
        since, until = min((at for at in paid if at is not None), default=None), max(refused, default=None)
        if since is not None and until is not None and until > since:
            return None
        would = [since is not None and at >= since for at in plan]
        would_not = [until is not None and at <= until for at in plan]
    else:
        unseen = plan[outcome.sends_least - 1 :]  # the attempts before were made, and declined
        near = [(max(begin, at - SAME_SLOT - timedelta.resolution), min(end, at + SAME_SLOT)) for at in unseen]
        would, would_not = (
            [any(_shown(payment, others, state, *slot)) for slot in near] for state in ("approved", "declined")
        )
        if any(map(and_, would, would_not)):
            return None
    least = 1 if any(would) else outcome.least
    return least, 0 if all(would_not) and not least else outcome.most


def _shown(
    payment: Payment,
    charges: Sequence[Attempt],
    state: Answered,
    begin: datetime,
    end: datetime,
    *,
    latest_first: bool = False,
) -> Iterator[datetime]:
    """When other charges of the card, after `begin` and until `end`, show that this amount would be paid, or that it
    would not."""
    first, own = payment[0], {(one.provider, one.ref) for one in payment}
    places = range(bisect_right(charges, begin, key=_time), bisect_right(charges, end, key=_time))
    for place in reversed(places) if latest_first else places:
        one = charges[place]
        tells = one.units >= first.units if state == "approved" else one.units <= first.units
        if one.state == state and tells and one.asset == first.asset and (one.provider, one.ref) not in own:
            yield one.at


def _time(one: Attempt) -> datetime:
    return one.at
