"""Draws that depend on the seed, their purpose, their subject and an instant only: no stream is
shared.

After the hash only sums, products, quotients and comparisons follow, so that every machine draws
the same.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import accumulate
from struct import unpack
from typing import Final, Generic, TypeVar

_EVENTS_MAX: Final = 5_000  # thirty a month over the longest world are fewer
_UNIT: Final = 2.0**-53
_UNIT_32: Final = 2.0**-32
T = TypeVar("T")


class Draws:
    """Uniform numbers in [0, 1). `subject` and `at` are whole numbers, `purpose` a constant of the
    code."""

    __slots__ = ("_key",)

    def __init__(self, seed: int) -> None:
        self._key = b"recoup-world-1 %d" % seed

    def one(self, purpose: bytes, subject: int, at: int = 0) -> float:
        digest = blake2b(
            b"%b %d %d" % (purpose, subject, at), digest_size=8, key=self._key
        ).digest()
        return (int.from_bytes(digest, "big") >> 11) * _UNIT

    def many(self, purpose: bytes, subject: int, at: int = 0) -> tuple[float, ...]:
        """Sixteen of them, of 32 bits each."""
        digest = blake2b(b"%b %d %d" % (purpose, subject, at), key=self._key).digest()
        return tuple([number * _UNIT_32 for number in unpack(">16I", digest)])


def quantile(table: Sequence[float], chance: float) -> float:
    """The value below which that share of all lies: `table` holds values at equal steps of the
    share, 0 to 1."""
    place = chance * (len(table) - 1)
    step = int(place)
    return table[step] + (table[step + 1] - table[step]) * (place - step)


class Choice(Generic[T]):
    """One of several by weight."""

    __slots__ = ("_bounds", "_items", "_total")

    def __init__(self, weighed: Iterable[tuple[T, float]]) -> None:
        pairs = [(item, weight) for item, weight in weighed if weight > 0]
        self._items = [item for item, _ in pairs]
        self._bounds = list(accumulate(weight for _, weight in pairs))
        self._total = self._bounds[-1]

    def of(self, chance: float) -> T:
        place = bisect_right(self._bounds, chance * self._total)
        return self._items[min(place, len(self._items) - 1)]


# Gaps between events that come at random, in units of their mean: the quantiles of an exponential
# law, cut at 5.3.
GAPS: Final = (
    0.0,
    0.051,
    0.105,
    0.163,
    0.223,
    0.288,
    0.357,
    0.431,
    0.511,
    0.598,
    0.693,
    0.799,
    0.916,
    1.05,
    1.204,
    1.386,
    1.609,
    1.897,
    2.303,
    2.996,
    5.3,
)


def instants(
    draws: Draws, purpose: bytes, subject: int, start: int, end: int, mean_gap: float
) -> list[int]:
    """Instants at random in [start, end), `mean_gap` seconds apart on average;
    none when it is 0."""
    found: list[int] = []
    if mean_gap <= 0:
        return found
    at, number = start, 0
    while len(found) < _EVENTS_MAX:
        at += 1 + int(quantile(GAPS, draws.one(purpose, subject, number)) * mean_gap)
        number += 1
        if at >= end:
            break
        found.append(at)
    return found
