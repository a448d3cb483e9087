"""An upper bound of a mean by bets against it: no assumption but that values lie in [0, 1]. Pure.

Whoever believes that the mean is at least m loses money to bets on less: of each value x the bettor's money is
multiplied by 1 + f (m - x) / (1 - m), f being the part of it that is at stake. Under a mean of m or more it does not
grow on average, so that it ever reaches 1 / alpha has a chance of alpha at most, however often one looks (Ville). The
bettor divides the money among several parts at stake; what wins grows. Every factor rises with m, so the money does.

Source: Waudby-Smith and Ramdas 2024, arXiv 2010.09686 (betting confidence sequences).
"""

from collections.abc import Sequence
from typing import Final

ALPHA: Final = 0.05
WHOLE: Final = 10_000  # a mean of 1, in basis points
STAKES: Final = ((0.25, 0.1), (0.5, 0.2), (0.75, 0.3), (1.0, 0.4))  # the part at stake, and of all money how much


def upper_bound(values: Sequence[float], alpha: float = ALPHA) -> int:
    """Of the mean that each value has given those before it, in basis points, rounded up: 10000 where nothing is
    shown. `values` from 0 to 1, in their order of time. It holds at every look together with 1 - alpha."""
    low, high = 0, WHOLE
    while high - low > 1:
        middle = (low + high) // 2
        if _is_refuted(values, middle / WHOLE, alpha):
            high = middle
        else:
            low = middle
    return high


def _is_refuted(values: Sequence[float], mean: float, alpha: float) -> bool:
    """Whether the money ever reached 1 / alpha. `mean` below 1."""
    money = [share for _, share in STAKES]
    for value in values:
        gain = (mean - value) / (1.0 - mean)
        money = [held * (1.0 + part * gain) for held, (part, _) in zip(money, STAKES, strict=True)]
        if sum(money) * alpha >= 1.0:
            return True
    return False
