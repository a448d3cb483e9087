"""How much an order counts for another policy, after each of its decisions. Pure.

The weight is how likely the policy is to do what was done, over how likely the arms together are, each with its share:
an order of the comparison group's schedule says something about every policy that is like a schedule, and its weight
is at most one over that group's share. Where the policy stops, the order ends with its weight: what would follow is
nothing.
"""

import math
from typing import Final, NamedTuple

from recoup.rules.backtest.episode import Episode

CLIP_LEAST: Final = 10.0


class Weighed(NamedTuple):
    """`weights`: after each decision up to the one where the order ends, clipped; the last one stays. `raw`: the last
    one, unclipped. `unsupported`: the weight that was lost where the policy names what no arm could do."""

    weights: tuple[float, ...]
    raw: float
    unsupported: float

    @property
    def last(self) -> float:
        return self.weights[-1] if self.weights else 1.0


def clip_at(orders: int) -> float:
    return max(CLIP_LEAST, math.sqrt(orders) / 2)


def weigh(one: Episode, clip: float) -> Weighed:
    likely, weight, found, unsupported = list(one.shares), 1.0, list[float](), 0.0
    for step in one.steps:
        if step.named is None:
            break
        nobody_could = not any(share * could for share, could in zip(likely, step.could, strict=True))
        if nobody_could and not step.same:
            unsupported += min(weight, clip)
        if step.same:
            likely = [share * chance for share, chance in zip(likely, step.arms, strict=True)]
        whole = sum(likely)
        if step.same and whole <= 0.0:  # it was done, and no arm says that it does that
            unsupported += min(weight, clip)
        weight = 1.0 / whole if step.same and whole > 0.0 else 0.0
        found.append(min(weight, clip))
        if not weight:
            break
    return Weighed(tuple(found), weight, unsupported)
