"""Intervals that hold at every look at once, however often somebody looks and whenever they stop. Pure.

Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence
sequences" (arXiv 2103.06476): the normal mixture's boundary, as narrow as it gets at a number of orders that is chosen
before the first look.
"""

import math
from typing import Final

ALPHA: Final = 0.05  # all looks together are wrong at most this often
ONE_LOOK: Final = 1.645  # of a 90 % interval on a day that was fixed in advance


def mixture(expected: float, alpha: float = ALPHA) -> float:
    """ρ², for the narrowest interval once `expected` orders are in."""
    twice = -2 * math.log(alpha)
    return (twice + math.log(twice) + 1) / max(1.0, expected)


def half_width(variance: float, orders: int, rho_squared: float, alpha: float = ALPHA) -> float:
    """Around a difference of means with that variance, after so many orders of both arms. Infinite before the first."""
    if orders < 1:
        return math.inf
    spread = orders * rho_squared
    return math.sqrt(variance * 2 * (spread + 1) / spread * math.log(math.sqrt(spread + 1) / alpha))


def quarter_alpha(quarter: int) -> float:
    """What the sequence that begins anew in each quarter, from 0 on, may err: over all quarters together `ALPHA`."""
    return ALPHA * 6 / (math.pi**2 * (quarter + 1) ** 2)


def orders_planned(holdout: float, width: float, alpha: float = ALPHA) -> int:
    """With how many orders of both arms the half-width is `width` at the narrowest place, where half are rescued and
    `holdout` of them, above 0 and below 1, are in the comparison group."""
    narrowest = half_width(1.0, 1, mixture(1, alpha), alpha)
    return math.ceil((narrowest / width) ** 2 / 4 * (1 / holdout + 1 / (1 - holdout)))


def orders_needed(variance: float, orders: int, rho_squared: float, width: float, alpha: float = ALPHA) -> int:
    """With how many orders of both arms the half-width falls to `width`, when they vary as those until now did."""
    each = variance * orders
    low, high = 1, 1
    while half_width(each / high, high, rho_squared, alpha) > width and high < 1 << 40:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if half_width(each / middle, middle, rho_squared, alpha) > width:
            low = middle
        else:
            high = middle
    return high
