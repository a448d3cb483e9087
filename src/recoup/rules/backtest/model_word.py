"""What models expect of a policy on a history without probabilities. It is the models' word, and no interval goes with
it: none would be true. Pure.

A model that is fitted to tries at the instants of one policy may be wrong at all others. So it is judged first by tries
that it has not seen, and then only the lowest and the highest of several models are said.
"""

import math
from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from recoup.kernel.time import BusinessTime
from recoup.rules.backtest.history import Cohort, Payment, payer_of, tries_of
from recoup.rules.backtest.recorded import Planned
from recoup.rules.backtest.target import Target
from recoup.rules.imports.attempt import Attempt
from recoup.rules.network.codes import Reading, read_decline
from recoup.rules.rescue.engine import zones
from recoup.rules.rescue.engine.classes import APPROVED, class_of, key_of
from recoup.rules.rescue.engine.expected import expected_under
from recoup.rules.rescue.engine.facts import LOOKS_MAX, Facts, Look
from recoup.rules.rescue.engine.model import Model, checked
from recoup.rules.rescue.evidence import Decision, Evidence, tried
from recoup.rules.rescue.slots import offset_minutes

ERROR_MAX: Final = 0.03
TENTHS: Final = 10
CALIBRATED_MIN: Final = 200  # tries
POOLED: Final = "pooled"


class Tenth(NamedTuple):
    tries: int
    expected: float
    observed: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """`error`: root of the mean square of expected less observed over tenths, without what chance alone makes of it."""

    tenths: tuple[Tenth, ...]
    error: float

    @property
    def judged(self) -> bool:
        """Whether there were enough tries to judge by."""
        return sum(one.tries for one in self.tenths) >= CALIBRATED_MIN

    @property
    def holds(self) -> bool:
        return self.judged and self.error <= ERROR_MAX


class RangeOfModels(NamedTuple):
    """`by_model`: the share that each expects to be rescued."""

    lowest: float
    highest: float
    by_model: Mapping[str, float]


class Past:
    """The attempts of all payers, for what was known of each before an instant."""

    def __init__(self, payments: Sequence[Payment], region: str) -> None:
        self._region = region
        self._looks: dict[str, list[tuple[datetime, str, Look]]] = {}
        for payment in payments:
            for number, one in enumerate(payment):
                if one.state in ("approved", "declined"):
                    answer = APPROVED if one.state == "approved" else class_of(self.reading(one))
                    looks = self._looks.setdefault(payer_of(payment), [])
                    insort(looks, (one.at, one.payment, Look(one.at, answer, number)), key=lambda row: row[0])

    def reading(self, one: Attempt) -> Reading:
        code = one.scheme_code or one.processor_code or None
        return read_decline(
            scheme=one.scheme or "generic",
            source=one.source or None,
            code=code,
            text=one.text or None,
            advice=one.advice_code or None,
            on=one.at.date(),
            region=self._region,
        )

    def evidence(self, payment: Payment, cohort: Cohort, tries: Sequence[Attempt] = ()) -> Evidence:
        """After those tries, at the last of them."""
        first, last = payment[0], tries[-1] if tries else payment[0]
        readings = [self.reading(one) for one in (first, *tries)]
        country = first.country if len(first.country) == 2 else None
        zone, zone_known = zones.offset_minutes(first.utc_offset, country)
        looks = [
            look
            for at, order, look in self._looks.get(payer_of(payment), ())
            if order != first.payment and at < last.at
        ]
        facts = Facts(
            Look(first.at, class_of(readings[0]), 0),
            key_of(readings[0]),
            first.bin,
            zone_known,
            tuple(
                Look(one.at, class_of(reading), number)
                for number, (one, reading) in enumerate(zip(tries, readings[1:], strict=True), start=1)
            ),
            tuple(looks[-LOOKS_MAX:]),
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
            attempts=tried(readings, [one.at for one in tries]),
            funding="credit" if first.funding == "credit" else "debit" if first.funding == "debit" else None,
            utc_offset=offset_minutes(first.utc_offset, country),
            facts=facts,
        )


def plan_of(target: Target, evidence: Evidence) -> tuple[Planned, Decision]:
    decision = target.decide(evidence)
    return Planned(decision.verdict, decision.plan, None, decision.reasons), decision


def expect(models: Mapping[str, Model], plans: Sequence[tuple[Evidence, Decision]]) -> dict[str, list[float]]:
    """The chance that each model sees for each plan. One of the models is the pooled one, which is asked without the
    payer's own past."""
    return {
        name: [
            expected_under(decision, _alone(evidence) if name == POOLED else evidence, model)
            for evidence, decision in plans
        ]
        for name, model in models.items()
    }


def range_of(expected: Mapping[str, Sequence[float]]) -> RangeOfModels:
    """`expected`: by model, of each plan."""
    found = {name: sum(chances) / len(chances) for name, chances in expected.items()}
    return RangeOfModels(min(found.values()), max(found.values()), found)


def pooled(model: Model) -> Model:
    """The same without what it learned of single issuers."""
    return checked(msgspec.structs.replace(model.learned, issuers={}, regression=None))


def calibrate(model: Model, past: Past, cohort: Cohort, payments: Sequence[Payment], most: int) -> Calibration:
    """By the tries of those payments that the model has not seen, each at the instant at which it was made. A payment's
    window may be open: the tries that it has are answered."""
    pairs = list[tuple[float, float]]()
    for payment in payments:
        tries = tries_of(payment, cohort.window)
        for number, one in enumerate(tries):
            if (
                one.at < cohort.learned_until
                or one.state == "unknown"
                or any(before.state == "unknown" for before in tries[:number])
            ):
                continue
            evidence = past.evidence(payment, cohort, tries[:number])
            decision = Decision("plan", (BusinessTime(one.at),), None, (), (), {}, ())
            pairs.append((expected_under(decision, evidence, model), float(one.state == "approved")))
        if len(pairs) >= most:
            break
    return calibration_of(pairs)


def calibration_of(pairs: Sequence[tuple[float, float]]) -> Calibration:
    """Of chances and outcomes."""
    ordered, tenths, square, count = sorted(pairs), list[Tenth](), 0.0, len(pairs)
    for place in range(TENTHS):
        part = ordered[count * place // TENTHS : count * (place + 1) // TENTHS]
        if not part:
            continue
        size = len(part)
        expected, observed = sum(one[0] for one in part) / size, sum(one[1] for one in part) / size
        noise = sum(one[0] * (1.0 - one[0]) for one in part) / size**2
        square += size / count * ((expected - observed) ** 2 - noise)
        tenths.append(Tenth(size, expected, observed))
    return Calibration(tuple(tenths), math.sqrt(max(0.0, square)))


def _alone(evidence: Evidence) -> Evidence:
    assert evidence.facts is not None
    return replace(evidence, facts=replace(evidence.facts, looks=()))
