"""Paired intervals: two arms on the same orders of the same worlds, clustered by customer.

A difference of shares is Σ(a − b) / Σw over customers, w being orders or amounts. Its variance
within the worlds is Σ(d − D·w)² / (Σw)², summed over customers, whose orders share cards and pay
days. From three seeds on the spread between the worlds says the same again, with whatever whole
worlds have in common; the wider of the two is told.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import stdev
from typing import Final

_Z: Final = 1.645  # 90 %, two-sided
# Student's t at the same level by degrees of freedom, from 1.
_T: Final = (
    6.314,
    2.920,
    2.353,
    2.132,
    2.015,
    1.943,
    1.895,
    1.860,
    1.833,
    1.812,
    1.796,
    1.782,
    1.771,
    1.761,
    1.753,
    1.746,
    1.740,
    1.734,
    1.729,
    1.725,
    1.721,
    1.717,
    1.714,
    1.711,
    1.708,
    1.706,
    1.703,
    1.701,
    1.699,
    1.697,
)
SEEDS_FOR_SPREAD: Final = 3
Sums = Sequence[Sequence[float]]  # of each seed: of each customer


@dataclass(frozen=True, slots=True)
class Interval:
    """90 %. `seeds_spread`: the standard deviation between worlds, where there are several."""

    value: float
    low: float
    high: float
    seeds_spread: float | None


def share(values: Sums, weights: Sums) -> Interval:
    return _interval(values, weights)


def difference(ours: Sums, theirs: Sums, weights: Sums) -> Interval:
    """The difference of two shares of the same orders."""
    gaps = [
        [one - other for one, other in zip(a, b, strict=True)]
        for a, b in zip(ours, theirs, strict=True)
    ]
    return _interval(gaps, weights)


def ratio(ours: Sums, theirs: Sums) -> Interval | None:
    """The ratio of two shares, linearised; None where the other recovered nothing."""
    if any(sum(of_seed) <= 0 for of_seed in theirs):
        return None
    return _interval(ours, theirs)


def _interval(values: Sums, weights: Sums) -> Interval:
    total = math.fsum(map(math.fsum, weights))
    value = math.fsum(map(math.fsum, values)) / total
    squares = math.fsum(
        math.fsum(
            (one - value * weight) ** 2
            for one, weight in zip(of_seed, weights_of_seed, strict=True)
        )
        for of_seed, weights_of_seed in zip(values, weights, strict=True)
    )
    half = _Z * math.sqrt(squares) / total
    spread = None
    if len(values) > 1:
        by_seed = [
            math.fsum(one) / math.fsum(weight) for one, weight in zip(values, weights, strict=True)
        ]
        spread = stdev(by_seed)
        if len(values) >= SEEDS_FOR_SPREAD:
            freedom = len(values) - 2
            half = max(
                half, (_T[freedom] if freedom < len(_T) else _Z) * spread / math.sqrt(len(values))
            )
    return Interval(value, value - half, value + half, spread)
