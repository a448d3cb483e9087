"""How much more one policy would have rescued than another, of the same orders. Pure."""

from array import array
from collections.abc import Iterable
from typing import Literal

from recoup.rules.backtest.estimate import Estimate, clustered

Verdict = Literal["better", "worse", "not_told"]


def difference(payers: Iterable[str], one: Estimate, other: Estimate) -> Estimate:
    """`one` less `other`; `payers[i]` is whose order i is. What one policy does without support may only have brought
    more, and the other's less."""
    influence = array("d", (a - b for a, b in zip(one.influence, other.influence, strict=True)))
    error = clustered(payers, influence)
    return Estimate(one.value - other.value, influence, error, one.above + other.below, one.below + other.above)


def verdict(found: Estimate) -> Verdict:
    """By the 90 % interval."""
    low, high = found.interval
    return "better" if low > 0 else "worse" if high < 0 else "not_told"
