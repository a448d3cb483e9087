"""Customers who stand for all of a world's while a price is searched for.

Where about so much is sent is found on a drawn sample. What counts is a play of all orders, which
also tells by how much the sample's mean lies beside that of all; where the play misses what was
asked for, the search goes on with that. The draw is keyed by seed and customer: it is the same for
all arms.
"""

from collections.abc import Callable, Sequence
from typing import Final

from recoup_lab.compare.budgets import CLOSE, between_prices
from recoup_lab.compare.draws import share_of
from recoup_lab.world.port import WorldOrder

ORDERS: Final = 400
WHOLE_PLAYS_MAX: Final = 6
_CLOSER: Final = CLOSE / 2
_OUT_OF_REACH: Final = 0.25
_NEAR: Final = 0.15  # of what is asked for: plays of all between which a line is straight


def sample_of(seed: int, orders: Sequence[WorldOrder]) -> Sequence[int] | None:
    """The places of their orders, about `ORDERS`. None where that would be half of all or more:
    then all are played."""
    share = ORDERS / len(orders)
    if share >= 0.5:
        return None
    return [
        place
        for place, one in enumerate(orders)
        if share_of("sample", seed, one.customer_id) < share
    ] or None


def search_by_sample(
    search: Callable[[float, float], float],
    target: float,
    of_all: Callable[[float], tuple[float, float]],
    played: dict[float, tuple[float, float]],
) -> float:
    """The price with the mean of all orders that is closest to the target. `search`: the price with
    such a mean of the sample, so closely. `of_all`: the mean sends of all orders and, in the same
    play, of the sample's. `played`: such plays, of which there is one at least; new ones are
    added."""
    for _ in range(WHOLE_PLAYS_MAX):
        mean, beside = min(played.values(), key=lambda one: abs(one[0] - target))
        if abs(mean - target) <= CLOSE:
            break
        aim = target - (mean - beside)
        near = {
            price: mean
            for price, (mean, _) in played.items()
            if abs(mean - target) <= _NEAR * target
        }
        found = between_prices(near, target) or search(aim, _CLOSER)
        if found in played:
            break
        played[found] = of_all(found)
        if abs(played[found][1] - aim) > _OUT_OF_REACH:
            break
    return min(played, key=lambda one: (abs(played[one][0] - target), one))
