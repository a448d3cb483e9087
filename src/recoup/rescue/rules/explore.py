"""Draws, now and then, among attempts that are nearly as good, so that it can be known later what
other plans bring.

Stopping is never drawn. Probabilities are stored with the decision: they cannot be made up
afterwards.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, NamedTuple

NEARLY_AS_GOOD: Final = 0.4
LEAST_PROBABILITY: Final = 0.02
BLOCKS_HOURS: Final = (36, 96, 168, 336)
_BLOCKS: Final = (*(f"within-{end}h" for end in BLOCKS_HOURS), "later")


class Offer(NamedTuple):
    """A way to go on. `at`: hours since 1970, None for stopping; `chance` of an approval then;
    `price`: what the way is worth net of its sends, as a chance; `probability` that it was
    taken."""

    name: str
    at: float | None
    chance: float
    price: float
    probability: float = 0.0


def weighed(offers: Sequence[Offer], share: float) -> list[Offer]:
    """Offers with their probabilities: the first offer is the engine's; the others share `share` if
    they are nearly as good."""
    best = offers[0]
    least = NEARLY_AS_GOOD * best.price
    rivals = [
        offer
        for offer in offers
        if offer.at is not None and offer.price > 0 and offer.price >= least
    ]
    if best.at is None:  # it would stop: then one more try is made now and then
        rivals = sorted(
            (offer for offer in offers if offer.at is not None), key=lambda offer: -offer.price
        )[:1]
    each = share / len(rivals) if rivals else 0.0
    if each < LEAST_PROBABILITY:
        rivals, each = [], 0.0
    taken = {rival.name for rival in rivals}
    kept = 1.0 - each * len(taken)
    return [
        offer._replace(
            probability=(each if offer.name in taken else 0.0)
            + (kept if offer.name == best.name else 0.0)
        )
        for offer in offers
    ]


def drawn(offers: Sequence[Offer], draw: float) -> Offer:
    """`draw` is from 0 up to 1."""
    passed = 0.0
    for offer in offers:
        passed += offer.probability
        if draw < passed:
            return offer
    return offers[0]


def block_of(hours: float) -> str:
    """The block of an instant, by hours after the decision."""
    return _BLOCKS[bisect_left(BLOCKS_HOURS, hours)]
