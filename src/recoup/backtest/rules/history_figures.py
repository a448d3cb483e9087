"""Figures of a policy on payments of a history, in all and by group: what happened is exact; what
the policy would have done lies between bounds that assume nothing, and between what models expect.
Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from recoup.backtest.rules.groups import By, grouped
from recoup.backtest.rules.history import Outcome

EXPECTED_MIN: Final = 50  # payments of a group that the models were asked about


class Span(NamedTuple):
    """Range in which a value lies."""

    low: float
    high: float


class FeeSpan(NamedTuple):
    """Fees of sends that the policy does not make, in minor units; below 0: it makes more."""

    asset: str
    low: float
    high: float


class MoneySpan(NamedTuple):
    """Money of one currency, in minor units. `proved`: what the policy brings in at least and at
    most; `models`: what they expect of it. None where nothing was planned, or too few were asked
    about."""

    asset: str
    orders: int
    declined: int
    rescued_then: int
    proved: Span | None
    models: Span | None


class Case(NamedTuple):
    """Case of one payment of `units`. `days`: from the decline to the money, None where it was not
    rescued. `outcome`: of the policy, None where nothing was planned for it. `expected`: by each
    model, None where none was asked."""

    names: Mapping[By, str]
    asset: str
    units: int
    sends: int
    days: float | None
    outcome: Outcome | None = None
    expected: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class HistoryFigures:
    """`rescued`: the share that the policy rescues, `sends`: of a payment, `models`: the share that
    models expect to be rescued; None where nothing was planned, or too few were asked about.
    `days_earlier`: of the payments that were rescued then, where the policy rescues them too; below
    0: later. `fees_avoided`: by currency."""

    name: str
    orders: int
    rescued_then: int
    sends_then: float
    days_then: float | None
    rescued: Span | None
    sends: Span | None
    days_earlier: Span | None
    fees_avoided: tuple[FeeSpan, ...]
    models: Span | None


def by_group(cases: Sequence[Case], send_cost: int) -> dict[By, list[HistoryFigures]]:
    """`send_cost`: minor units of a send."""
    groups: dict[By, list[HistoryFigures]] = {}
    for by in cases[0].names if cases else ():
        groups[by] = [
            figures_of(
                name, [case for case, inside in zip(cases, part, strict=True) if inside], send_cost
            )
            for name, part in grouped([case.names[by] for case in cases])
        ]
    return groups


def figures_of(name: str, cases: Sequence[Case], send_cost: int) -> HistoryFigures:
    """Figures of at least one payment."""
    days = [case.days for case in cases if case.days is not None]
    outcomes = [case.outcome for case in cases if case.outcome is not None]
    return HistoryFigures(
        name,
        len(cases),
        len(days),
        sum(case.sends for case in cases) / len(cases),
        sum(days) / len(days) if days else None,
        _mean([(outcome.least, outcome.most) for outcome in outcomes]),
        _mean([(outcome.sends_least, outcome.sends_most) for outcome in outcomes]),
        _earlier(cases),
        tuple(_fees(cases, asset, send_cost) for asset in sorted({case.asset for case in cases}))
        if outcomes
        else (),
        _models([case.expected for case in cases if case.expected]),
    )


def money_of(cases: Sequence[Case], spans: Iterable[tuple[int, int]] | None) -> list[MoneySpan]:
    """Money by currency, most payments first. `spans`: whether each planned payment is rescued at
    least and at most; None: as its outcome has it."""
    known = iter(spans) if spans is not None else None
    ends = [
        None
        if case.outcome is None
        else next(known)
        if known
        else (case.outcome.least, case.outcome.most)
        for case in cases
    ]
    return [
        _money(asset, cases, ends)
        for asset, _ in Counter(case.asset for case in cases).most_common()
    ]


def _money(asset: str, cases: Sequence[Case], ends: Sequence[tuple[int, int] | None]) -> MoneySpan:
    own = [(case, span) for case, span in zip(cases, ends, strict=True) if case.asset == asset]
    declined = sum(case.units for case, _ in own)
    planned = [(case.units, *span) for case, span in own if span is not None]
    expected = [(case.units, case.expected) for case, _ in own if case.expected]
    proved = models = None
    if whole := sum(units for units, _, _ in planned):
        sums = (sum(units * it[side] for units, *it in planned) for side in (0, 1))
        proved = Span(*(total * declined / whole for total in sums))
    if len(expected) >= EXPECTED_MIN and (whole := sum(units for units, _ in expected)):
        columns = zip(
            *([units * chance for chance in chances] for units, chances in expected), strict=True
        )
        totals = [sum(column) * declined / whole for column in columns]
        models = Span(min(totals), max(totals))
    return MoneySpan(
        asset,
        len(own),
        declined,
        sum(case.units for case, _ in own if case.days is not None),
        proved,
        models,
    )


def _mean(spans: Sequence[tuple[float, float]]) -> Span | None:
    if not spans:
        return None
    return Span(
        sum(span[0] for span in spans) / len(spans), sum(span[1] for span in spans) / len(spans)
    )


def _earlier(cases: Sequence[Case]) -> Span | None:
    return _mean(
        [
            (case.days - case.outcome.latest, case.days - case.outcome.earliest)
            for case in cases
            if case.days is not None and case.outcome is not None and case.outcome.most
        ]
    )


def _fees(cases: Sequence[Case], asset: str, send_cost: int) -> FeeSpan:
    """Fees of all payments in that currency, where only a sample was planned for."""
    own = [case for case in cases if case.asset == asset]
    planned = [(case.sends, case.outcome) for case in own if case.outcome is not None]
    scale = send_cost * len(own) / len(planned) if planned else 0.0
    low = sum(sends - outcome.sends_most for sends, outcome in planned)
    high = sum(sends - outcome.sends_least for sends, outcome in planned)
    return FeeSpan(asset, low * scale, high * scale)


def _models(expected: Sequence[Sequence[float]]) -> Span | None:
    if len(expected) < EXPECTED_MIN:
        return None
    means = [sum(column) / len(expected) for column in zip(*expected, strict=True)]
    return Span(min(means), max(means))
