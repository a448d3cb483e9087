"""Expectations that models have of a policy on a history without probabilities. It is the models'
word, and no interval goes with it: none would be true. Pure.

A model that is fitted to attempts at the instants of one policy may be wrong at all others. So its
level is corrected by the attempts that it learned from, it is judged by attempts that it has not
seen, its chances are drawn to its level as far as those ask for, and then only the lowest and the
highest of several models are said.
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import date, datetime
from itertools import islice
from math import exp
from typing import Final, NamedTuple

from recoup.backtest.rules.estimate import NORMAL_90
from recoup.backtest.rules.history import Cohort, Payment, payer_of, tries_of
from recoup.imports.rules.attempt import Attempt
from recoup.kernel.cached import cached
from recoup.kernel.frozen import frozen
from recoup.kernel.spread import Spread, alone, parts_of
from recoup.kernel.time import BusinessTime
from recoup.kit import zones
from recoup.kit.slots import offset_minutes
from recoup.networks.codes import Reading, answered_code, read_decline
from recoup.networks.decline_code import DeclineCode
from recoup.orders.rules.decision import Decision
from recoup.rescue.rules.answer_classes import APPROVED, class_of, key_of
from recoup.rescue.rules.evidence import Evidence, tried
from recoup.rescue.rules.facts import LOOKS_MAX, Facts, Look, hours_of
from recoup.rescue.rules.model import Model

Cell = tuple[int, int]  # class of the first decline, and how many tries came before
Levels = Mapping[Cell, float]  # factors of odds

_WEIGHT: Final = 20.0  # tries as good as seen at the model's own level, in each cell
_REACH: Final = 4.0  # logits at most
_HALVINGS: Final = 40
_TINY: Final = 1e-6
_AS_IT_IS: Final = 1.0  # information on a slope, for a model's own


def cell_of(facts: Facts) -> Cell:
    return facts.first.answer, len(facts.tries)


def at_level(chance: float, level: float) -> float:
    return chance * level / (1.0 - chance + chance * level)


def levels_of(tries: Iterable[tuple[Cell, float, bool]]) -> Levels:
    """Levels of a model from each attempt's cell, the model's chance and whether it was approved.
    At its level a cell's chances add up to as many approvals as there were."""
    cells = defaultdict[Cell, list[tuple[float, bool]]](list)
    for cell, chance, approved in tries:
        cells[cell].append((chance, approved))
    return {
        cell: _level([chance for chance, _ in seen], sum(yes for _, yes in seen))
        for cell, seen in cells.items()
    }


def _level(chances: list[float], approved: int) -> float:
    more = 1.0 + _WEIGHT / len(chances)
    wanted, low, high = approved + sum(chances) * (more - 1.0), -_REACH, _REACH
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        level = exp(middle)
        if sum(at_level(chance, level) for chance in chances) * more < wanted:
            low = middle
        else:
            high = middle
    return exp(low)


def slope_of(tries: Sequence[tuple[float, float, bool]]) -> float:
    """The slope by which a model's chances part as the outcomes do: 1 as it says, 0 not at all. Of
    each attempt the cell's mean logit, how far the model's logit is from it, and whether it was
    approved."""

    def too_steep(slope: float) -> bool:
        more = sum((yes - _chance(mean + slope * off)) * off for mean, off, yes in tries)
        return more + _AS_IT_IS * (1.0 - slope) < 0.0

    low, high = 0.0, 1.0
    for _ in range(_HALVINGS // 2 if too_steep(high) else 0):
        middle = (low + high) / 2
        low, high = (low, middle) if too_steep(middle) else (middle, high)
    return high


def _logit(chance: float) -> float:
    inside = min(max(chance, _TINY), 1.0 - _TINY)
    return math.log(inside / (1.0 - inside))


def _chance(logit: float) -> float:
    return 1.0 / (1.0 + exp(-logit))


ERROR_MAX: Final = 0.1
TENTHS: Final = 10
CALIBRATED_MIN: Final = 200  # tries
POOLED: Final = "pooled"
PARTS: Final = 8  # of a long list, for as many processes at most
_SENDS_MAX: Final = 20


class Tenth(NamedTuple):
    tries: int
    expected: float
    observed: float


@frozen
class Calibration:
    """`error`: root of the mean square of expected less observed over tenths, without what chance
    alone makes of it."""

    tenths: tuple[Tenth, ...]
    error: float

    @property
    def tries(self) -> int:
        return sum(tenth.tries for tenth in self.tenths)

    @property
    def plus_minus(self) -> float:
        """The 90 % range of `error`: what chance makes of so many attempts. One point at some
        5,000."""
        count = self.tries + 2
        mean = (sum(tenth.tries * tenth.observed for tenth in self.tenths) + 1.0) / count
        return NORMAL_90 * math.sqrt(mean * (1.0 - mean) / count)

    @property
    def judged(self) -> bool:
        """True when there were enough attempts to judge by."""
        return self.tries >= CALIBRATED_MIN

    @property
    def holds(self) -> bool:
        return self.judged and self.error <= ERROR_MAX


class RangeOfModels(NamedTuple):
    """Range of models. `by_model`: the share that each expects to be rescued."""

    lowest: float
    highest: float
    by_model: Mapping[str, float]


class Past:
    """The attempts of all payers, for what was known of each before an instant."""

    def __init__(self, payments: Sequence[Payment], region: str) -> None:
        self._region = region
        self._looks: dict[str, list[tuple[datetime, str, Look]]] = {}
        for payment in payments:
            for number, attempt in enumerate(payment):
                if attempt.state in ("approved", "declined"):
                    answer = (
                        APPROVED if attempt.state == "approved" else class_of(self.reading(attempt))
                    )
                    looks = self._looks.setdefault(payer_of(payment), [])
                    looks.append((attempt.at, attempt.payment, Look(attempt.at, answer, number)))
        for looks in self._looks.values():
            looks.sort(key=_time)

    def reading(self, attempt: Attempt) -> Reading:
        code = answered_code(attempt.scheme_code, attempt.processor_code, attempt.source)
        return _reading(
            attempt.scheme, code, attempt.text, attempt.advice_code, attempt.at.date(), self._region
        )

    def evidence(self, payment: Payment, cohort: Cohort, tries: Sequence[Attempt] = ()) -> Evidence:
        """The evidence after those attempts, at the last of them."""
        first, last = payment[0], tries[-1] if tries else payment[0]
        readings = [self.reading(attempt) for attempt in (first, *tries)]
        country = first.country if len(first.country) == 2 else None
        zone, zone_known = zones.offset_minutes(first.utc_offset, country)
        looks = self._looks.get(payer_of(payment), [])
        before = (
            looks[place] for place in range(bisect_left(looks, last.at, key=_time) - 1, -1, -1)
        )
        others = list(
            islice((look for _, order, look in before if order != first.payment), LOOKS_MAX)
        )
        facts = Facts(
            Look(first.at, class_of(readings[0]), 0),
            key_of(readings[0]),
            first.bin,
            zone_known,
            tuple(
                Look(attempt.at, class_of(reading), number)
                for number, (attempt, reading) in enumerate(
                    zip(tries, readings[1:], strict=True), start=1
                )
            ),
            tuple(reversed(others)),
            zone=zone,
            credit=first.funding == "credit",
        )
        return Evidence(
            kind="managed_mit",
            reading=readings[-1],
            first_declined_at=first.at,
            started_at=first.at,
            now=BusinessTime(last.at),
            expires_at=first.at + cohort.window,
            units=first.units,
            currency=first.asset,
            attempts=tried(readings, [attempt.at for attempt in tries]),
            funding="credit"
            if first.funding == "credit"
            else "debit"
            if first.funding == "debit"
            else None,
            utc_offset=offset_minutes(first.utc_offset, country),
            facts=facts,
        )


def _time(row: tuple[datetime, str, Look]) -> datetime:
    return row[0]


@cached(4_096)
def _reading(
    scheme: str, code: DeclineCode | None, text: str, advice: str, on: date, region: str
) -> Reading:
    return read_decline(
        scheme=scheme or "generic",
        code=code,
        text=text or None,
        advice=advice or None,
        on=on,
        region=region,
    )


class PastTry(NamedTuple):
    """A try that was made, and what was known before it."""

    evidence: Evidence
    at: datetime
    approved: bool


@frozen
class Expectation:
    """Expectation of a model. `alone`: it is asked without the payer's other payments. `slope`: as
    `slope_of`, about the mean logits of `means`."""

    model: Model
    levels: Levels = field(default_factory=dict)
    alone: bool = False
    slope: float = 1.0
    means: Mapping[Cell, float] = field(default_factory=dict)

    def at(self, facts: Facts, offset: int, at: datetime) -> float:
        """The chance of an approval at that instant, from 0 to 1."""
        if self.alone:
            facts = replace(facts, looks=())
        [chance] = self.model.chances_at(facts, offset, [hours_of(at)])
        cell = cell_of(facts)
        level = at_level(chance, self.levels.get(cell, 1.0))
        if cell not in self.means:
            return level
        mean = self.means[cell]
        return _chance(mean + self.slope * (_logit(level) - mean))

    def under(self, plan: Decision, evidence: Evidence) -> float:
        """The chance, from 0 to 1, that one of the plan's attempts is approved, each of those
        before being declined as the last payment was."""
        facts, fails = evidence.facts, 1.0
        assert facts is not None
        answer = facts.tries[-1].answer if facts.tries else facts.first.answer
        instants = [evidence.now] if plan.verdict == "attempt_now" else []
        for number, when in enumerate(
            [*instants, *plan.plan][:_SENDS_MAX], start=len(facts.tries) + 1
        ):
            fails *= 1.0 - self.at(facts, evidence.utc_offset, when)
            facts = replace(facts, tries=(*facts.tries, Look(when, answer, number)))
        return 1.0 - fails

    def of(self, attempt: PastTry) -> float:
        assert attempt.evidence.facts is not None
        return self.at(attempt.evidence.facts, attempt.evidence.utc_offset, attempt.at)


def expectations_of(
    models: Mapping[str, Model], tries: Sequence[PastTry], spread: Spread = alone
) -> dict[str, Expectation]:
    """Expectations by model, and of the first one pooled. `tries`: before the last quarter of the
    time; each model learns its level from those of its own time."""
    first = next(iter(models.values()))
    plain = {name: Expectation(model) for name, model in models.items()} | {
        POOLED: Expectation(first.pooled(), alone=True)
    }
    levels = spread(_levels, [(expectation, tries) for expectation in plain.values()])
    return {
        name: replace(expectation, levels=of_one)
        for (name, expectation), of_one in zip(plain.items(), levels, strict=True)
    }


def _levels(job: tuple[Expectation, Sequence[PastTry]]) -> Levels:
    expectation, tries = job
    learned = expectation.model.learned
    begin, end = date.fromisoformat(learned.data_from), date.fromisoformat(learned.data_until)
    seen = [it for it in tries if begin <= it.at.date() <= end]
    return levels_of(
        (cell_of(it.evidence.facts), expectation.of(it), it.approved)
        for it in seen
        if it.evidence.facts
    )


def drawn_in(
    expectations: Mapping[str, Expectation], tries: Sequence[PastTry], spread: Spread = alone
) -> dict[str, Expectation]:
    """Each with its slope by tries that it has not seen: what it finds better in some instants is
    partly chance, and a plan picks just those."""
    drawn = spread(_drawn_in, [(expectation, tries) for expectation in expectations.values()])
    return dict(zip(expectations, drawn, strict=True))


def _drawn_in(job: tuple[Expectation, Sequence[PastTry]]) -> Expectation:
    expectation, tries = job
    cells = defaultdict[Cell, list[tuple[float, bool]]](list)
    for it in tries:
        assert it.evidence.facts is not None
        cells[cell_of(it.evidence.facts)].append((_logit(expectation.of(it)), it.approved))
    means = {cell: sum(logit for logit, _ in seen) / len(seen) for cell, seen in cells.items()}
    rows = [
        (means[cell], logit - means[cell], yes)
        for cell, seen in cells.items()
        for logit, yes in seen
    ]
    return replace(expectation, slope=slope_of(rows), means=means)


def expect(
    expectations: Mapping[str, Expectation],
    plans: Sequence[tuple[Evidence, Decision]],
    spread: Spread = alone,
) -> dict[str, list[float]]:
    """The chance that each model sees for each plan."""
    by_model = spread(_expected, [(expectation, plans) for expectation in expectations.values()])
    return dict(zip(expectations, by_model, strict=True))


def _expected(job: tuple[Expectation, Sequence[tuple[Evidence, Decision]]]) -> list[float]:
    expectation, plans = job
    return [expectation.under(decision, evidence) for evidence, decision in plans]


def range_of(expected: Mapping[str, Sequence[float]]) -> RangeOfModels:
    """`expected`: by model, of each plan."""
    means = {name: sum(chances) / len(chances) for name, chances in expected.items()}
    return RangeOfModels(min(means.values()), max(means.values()), means)


def past_tries(
    past: Past, cohort: Cohort, payments: Sequence[Payment], *, late: bool, most: int
) -> list[PastTry]:
    """Attempts of the last quarter of the time, which no model has seen, or those before; each at
    the instant at which it was made. A payment's window may be open: the attempts that it has are
    answered."""
    return list(islice(_past_tries(past, cohort, payments, late), most))


def _past_tries(
    past: Past, cohort: Cohort, payments: Sequence[Payment], late: bool
) -> Iterator[PastTry]:
    for payment in payments:
        tries = tries_of(payment, cohort.window)
        for number, attempt in enumerate(tries):
            if attempt.state == "unknown":
                break
            if (attempt.at >= cohort.learned_until) == late:
                yield PastTry(
                    past.evidence(payment, cohort, tries[:number]),
                    attempt.at,
                    attempt.state == "approved",
                )


def calibrate(
    expectation: Expectation, tries: Sequence[PastTry], spread: Spread = alone
) -> Calibration:
    """Calibrates an expectation by attempts that it has not seen."""
    parts = spread(_outcomes, [(expectation, some) for some in parts_of(tries, PARTS)])
    return calibration_of([pair for part in parts for pair in part])


def _outcomes(job: tuple[Expectation, Sequence[PastTry]]) -> list[tuple[float, float]]:
    expectation, tries = job
    return [(expectation.of(attempt), float(attempt.approved)) for attempt in tries]


def calibration_of(pairs: Sequence[tuple[float, float]]) -> Calibration:
    ordered, tenths, square, count = sorted(pairs), list[Tenth](), 0.0, len(pairs)
    for place in range(TENTHS):
        part = ordered[count * place // TENTHS : count * (place + 1) // TENTHS]
        if not part:
            continue
        size = len(part)
        expected, observed = (
            sum(pair[0] for pair in part) / size,
            sum(pair[1] for pair in part) / size,
        )
        noise = sum(pair[0] * (1.0 - pair[0]) for pair in part) / size**2
        square += size / count * ((expected - observed) ** 2 - noise)
        tenths.append(Tenth(size, expected, observed))
    return Calibration(tuple(tenths), math.sqrt(max(0.0, square)))
