"""Weights learned from what became of payments, around a prior. Pure, and without libraries: counts
of payments that look alike, a logistic regression, whole thousandths at the end.

What is hardly seen keeps the prior's weight: the prior stands for so many payments as its precision
says. The prior's `base` alone is free, for installations differ most in how much fraud they have.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from recoup.kernel.steady import chance_of
from recoup.kernel.stop import look_up, stoppable
from recoup.risk.rules.weights import BASE_MAX, LOGIT, WEIGHT_MAX, Weights

SWEEPS: Final = 20
PRECISION: Final = 2.0  # of a weight around the prior's, per squared logit
BASE_PRECISION: Final = 0.05
FRAUDS_MIN: Final = 30  # below, nothing is learned
STEP_MAX: Final = 1.0


@dataclass(slots=True)
class _Alike:
    """Payments with the same terms."""

    terms: tuple[str, ...]
    payments: int = 0
    frauds: int = 0
    logit: float = 0.0


def learned(
    payments: Iterable[tuple[tuple[str, ...], bool]], prior: Weights, version: str
) -> Weights | None:
    """`payments`: the terms that held when each came, and whether it was fraud. None where there
    are too few frauds."""
    groups = _grouped(payments)
    if sum(group.frauds for group in groups) < FRAUDS_MIN:
        return None
    before = {"base": prior.base / LOGIT} | {
        term: weight / LOGIT for term, weight in prior.terms.items()
    }
    weights = dict(before)
    having: dict[str, list[_Alike]] = {"base": groups}
    for group in groups:
        for term in group.terms:
            having.setdefault(term, []).append(group)
            before.setdefault(term, 0.0)
            weights.setdefault(term, 0.0)
        group.logit = _sum(weights, group.terms)
    for _ in range(SWEEPS):
        for term in sorted(having):
            look_up()
            _improve(term, having[term], weights, before)
    whole = {term: _whole(value, WEIGHT_MAX) for term, value in weights.items() if term != "base"}
    return Weights(version, _whole(weights["base"], BASE_MAX), whole)


def _grouped(payments: Iterable[tuple[tuple[str, ...], bool]]) -> list[_Alike]:
    groups: dict[tuple[str, ...], _Alike] = {}
    for terms, fraud in stoppable(payments):
        alike = groups.setdefault(terms, _Alike(terms))
        alike.payments += 1
        alike.frauds += fraud
    return [groups[terms] for terms in sorted(groups)]


def _sum(weights: Mapping[str, float], terms: Iterable[str]) -> float:
    total = weights["base"]
    for term in terms:
        total += weights[term]
    return total


def _improve(
    term: str, groups: list[_Alike], weights: dict[str, float], before: Mapping[str, float]
) -> None:
    """Improves one weight by a step of Newton's method."""
    precision = BASE_PRECISION if term == "base" else PRECISION
    slope = precision * (before[term] - weights[term])
    bend = precision
    for group in groups:
        chance = chance_of(group.logit)
        slope += group.frauds - group.payments * chance
        bend += group.payments * chance * (1.0 - chance)
    step = max(-STEP_MAX, min(STEP_MAX, slope / bend))
    weights[term] += step
    for group in groups:
        group.logit += step


def _whole(value: float, most: int) -> int:
    return max(-most, min(most, round(value * LOGIT)))
