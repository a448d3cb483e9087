"""Budgets that hold an arm to a mean number of sends a declined order, hard declines and stops
counted as none.

An arm with a **length** (schedules, `retry-2`, the slot method) is cut: of a length of 2.3 a drawn
30 % of the orders may have three sends, the others two. The draw is keyed by seed and order, so it
is the same for all arms. An arm with a **price** (the engine, the oracle) is told what a send has
to be worth, and stops where none is worth it. Length or price are searched, on the same world (a
price on a `sample` of it first), until the mean is within `CLOSE` of what is asked, in a bounded
number of plays, of which the closest counts. An arm that at its own length or price sends fewer is
left as it is, and says so: a schedule of one attempt has no third.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from recoup_lab.compare.draws import share_of

CLOSE: Final = 0.03
PLAYS_MAX: Final = 14
PRICE_STEP: Final = 4.0
PRICE_LEAST: Final = 1e-3
PRICE_MOST: Final = 1e9
NARROW: Final = 1.04  # a bracket of prices whose means differ by what single orders do


def length_of(length: float, seed: int, order_id: str) -> int:
    whole = math.floor(length)
    return whole + (share_of("length", seed, order_id) < length - whole)


def length_guess(sends: Sequence[int], target: float) -> float:
    """The length at which orders that were sent so often would have had the mean: exact where
    orders do not meet."""
    counts = [0] * (max(sends) + 2)
    for send in sends:
        counts[send] += 1
    total, wanting, length = 0, len(sends), 0
    while length < len(counts) - 1:
        wanting -= counts[length]  # those sent more often than `length`
        if total + wanting >= target * len(sends):
            return length + (target * len(sends) - total) / wanting if wanting else float(length)
        total += wanting
        length += 1
    return float(length)


def search_length(
    mean_at: Callable[[float], float], target: float, guess: float, seen: dict[float, float]
) -> float:
    """The length whose mean is closest to the target, which is known to be in reach. `seen`:
    lengths played before with their means; new ones are added."""
    seen.setdefault(0.0, 0.0)
    length = guess
    for number in range(PLAYS_MAX):
        if length not in seen:
            seen[length] = mean_at(length)
        if abs(seen[length] - target) <= CLOSE:
            break
        below = max(
            ((one, mean) for one, mean in seen.items() if mean < target), default=(0.0, 0.0)
        )
        above = min(((one, mean) for one, mean in seen.items() if mean >= target), default=None)
        if above is None:
            length = below[0] * target / below[1] + 0.5 if below[1] else below[0] + 1
        else:
            length = _between(below, above, target, number)
    return _closest({one: mean for one, mean in seen.items() if one}, target)


def search_price(
    mean_at: Callable[[float], float],
    target: float,
    first: float,
    seen: dict[float, float],
    close: float = CLOSE,
) -> float:
    """The price whose mean is closest to the target: the higher, the fewer sends. A price with too
    few sends and one with too many are found by steps of `PRICE_STEP`, then the bracket is cut on a
    logarithmic scale."""
    if first not in seen:
        seen[first] = mean_at(first)
    while min(seen.values()) > target and max(seen) < PRICE_MOST:
        price = max(seen) * PRICE_STEP
        seen[price] = mean_at(price)
    while max(seen.values()) < target and min(seen) > PRICE_LEAST:
        cheapest = min(seen)
        price = cheapest / PRICE_STEP
        seen[price] = mean_at(price)
        if seen[price] <= seen[cheapest]:
            break  # it sends all that it ever would
    for number in range(PLAYS_MAX):
        around = _around(seen, target)
        if abs(seen[_closest(seen, target)] - target) <= close or around is None:
            break
        if around[1][0] - around[0][0] < math.log(NARROW):
            break
        price = math.exp(-_between(*around, target, number))
        if price in seen:
            break
        seen[price] = mean_at(price)
    return _closest(seen, target)


def between_prices(seen: Mapping[float, float], target: float) -> float | None:
    """The price where the straight line through the nearest prices with fewer and with more sends
    meets the target, on a logarithmic scale; None without both. A price that is not known is
    infinite."""
    around = _around({price: mean for price, mean in seen.items() if math.isfinite(price)}, target)
    return math.exp(-_between(*around, target, 0)) if around is not None else None


def _around(
    seen: Mapping[float, float], target: float
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """The nearest prices with fewer and with more sends, each as minus its logarithm, with its
    mean; None without."""
    dear = [(-math.log(price), mean) for price, mean in seen.items() if mean < target]
    cheap = [(-math.log(price), mean) for price, mean in seen.items() if mean >= target]
    return (max(dear), min(cheap)) if dear and cheap else None


def _closest(seen: Mapping[float, float], target: float) -> float:
    return min(seen, key=lambda one: (abs(seen[one] - target), one))


def _between(
    below: tuple[float, float], above: tuple[float, float], target: float, number: int
) -> float:
    """The point where the straight line through both meets the target, but well within them; each
    third time their middle."""
    place = 0.5 if number % 3 == 2 else (target - below[1]) / (above[1] - below[1])
    return below[0] + (above[0] - below[0]) * min(max(place, 0.05), 0.95)
