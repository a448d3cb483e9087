"""Sums and odds that are the same on every machine, to the last digit."""

from collections.abc import Iterable


def total(values: Iterable[float]) -> float:
    """Sums from left to right; `sum` rounds otherwise from Python 3.12 on."""
    sum_so_far = 0.0
    for value in values:
        sum_so_far += value
    return sum_so_far


def odds_of(logit: float) -> float:
    """e to that power by products and quotients alone, which are the same on every machine; `exp`
    is not."""
    power = 1.0 + max(-30.0, min(30.0, logit)) / 1024.0
    for _ in range(10):
        power *= power
    return power


def chance_of(logit: float) -> float:
    odds = odds_of(logit)
    return odds / (1.0 + odds)
