"""Factors that raise or lower the model's chance of the next attempt: the chance is worked out
again with one thing that the model knows taken away. Pure.

A term is the difference in log-odds. It says how the model came to its chance, never why the bank
would answer so.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from recoup.rescue.rules.answer_classes import SOFT
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.facts import Facts, hours_of
from recoup.rescue.rules.model import Model, decides_by_model

Group = Literal["payer", "issuer", "code", "tries", "hour", "day"]
TERMS_MAX: Final = 3
LEAST: Final = 0.05  # of the log-odds: below it nothing is said
DAYS_MAX: Final = 30
_TINY: Final = 1e-6


@dataclass(frozen=True, slots=True)
class ChanceTerm:
    """`logit`: above 0 it raises the chance. `without`: the model's chance without it, from 0 to
    1."""

    group: Group
    logit: float
    without: float


def chance_terms(
    features: Mapping[str, Any],
    versions: Mapping[str, str | None],
    models: Mapping[str, Model],
    alternatives: list[dict[str, Any]],
    taken: str | None,
) -> tuple[ChanceTerm, ...]:
    """The weightiest first; none for a decider without a model, or one that chose no instant.

    Raises: KeyError without the model that decided; TypeError, ValueError for features that it
    never decided from.
    """
    if not decides_by_model(str(versions.get("decider"))):
        return ()
    at = next(
        (alternative.get("at") for alternative in alternatives if alternative["name"] == taken),
        None,
    )
    evidence, model = Evidence.from_dict(features), models[str(versions["model"])]
    if at is None or evidence.facts is None:
        return ()
    terms = list(_terms(evidence, evidence.facts, model, hours_of(datetime.fromisoformat(at))))
    terms.sort(key=lambda term: -abs(term.logit))
    return tuple(term for term in terms if abs(term.logit) >= LEAST)[:TERMS_MAX]


def _terms(evidence: Evidence, facts: Facts, model: Model, at: float) -> Iterator[ChanceTerm]:
    midnight, first = (
        at - (at + evidence.utc_offset / 60) % 24,
        hours_of(evidence.now) // 24 * 24 + at % 24,
    )
    hours = [midnight + hour + 0.5 for hour in range(24)]
    days = [
        time
        for day in range(DAYS_MAX)
        if (time := first + day * 24) < hours_of(evidence.expires_at)
    ]
    chance, *others = model.chances_at(facts, evidence.utc_offset, [at, *hours, *days])

    def term(group: Group, without: float) -> ChanceTerm:
        return ChanceTerm(group, _logit(chance) - _logit(without), without)

    for group, changed in _without(facts):
        yield term(group, model.chances_at(changed, evidence.utc_offset, [at])[0])
    yield term("hour", sum(others[:24]) / 24)
    if len(days) > 1:
        yield term("day", sum(others[24:]) / len(days))


def _without(facts: Facts) -> Iterator[tuple[Group, Facts]]:
    if facts.looks:
        yield "payer", replace(facts, looks=())
    if facts.issuer or facts.issuer_answers:
        yield "issuer", replace(facts, issuer="", issuer_answers=())
    yield "code", replace(facts, first=facts.first._replace(answer=SOFT), first_key="")
    if facts.tries:
        yield "tries", replace(facts, tries=())


def _logit(chance: float) -> float:
    held = min(max(chance, _TINY), 1 - _TINY)
    return math.log(held / (1 - held))
