"""A part of an amount as a way to collect what the whole did not bring: its amount, and its chance. Pure.

A card that lacked the money for the whole may have it for a part. Nobody publishes how much was there when a payment
was declined, so the chance is a rough prior, named by its version: balances below the amount spread evenly over the
orders of magnitude, from a tenth of it up, and a share of the cards has nothing at all.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from recoup.kernel.currencies import EXPONENTS

ALTERNATIVE: Final = "part"
_DECIMALS: Final = 2  # that every processor takes where the currency has as many
_WHOLE_FROM: Final = 10  # parts of at least so many whole units of the currency have no smaller ones


@dataclass(frozen=True, slots=True)
class PartPolicy:
    """`weights`: by the decline's code, the share of cards with some money left for a payment; no other code is
    tried in parts. `curve`: of those, how many can pay a share of the amount; straight lines between its points.
    `shares`: of what is owed, as fractions, that a part may be."""

    version: str
    weights: Mapping[str, float]
    curve: tuple[tuple[float, float], ...]
    shares: tuple[tuple[int, int], ...]

    def chance(self, code: str | None, share: float) -> float:
        """That a part of that `share` (0 … 1) of the amount is approved, after a decline of the whole with `code`."""
        weight = self.weights.get(code or "", 0.0)
        (at, held), *further = self.curve
        if share <= at:
            return weight * held
        for to, next_held in further:
            if share <= to:
                return weight * (held + (next_held - held) * (share - at) / (to - at))
            at, held = to, next_held
        return 0.0


PARTS_1: Final = PartPolicy(
    "parts-1",
    {"51": 0.5, "61": 0.6},
    ((0.1, 1.0), (0.25, 0.6), (1 / 3, 0.48), (0.5, 0.3), (0.75, 0.12), (1.0, 0.0)),
    ((1, 2), (1, 3), (1, 4)),
)
PART_POLICIES: Final[Mapping[str, PartPolicy]] = {one.version: one for one in (PARTS_1,)}


@dataclass(frozen=True, slots=True)
class PartInput:
    """`owed`: units still to be collected. `tried`: parts sent so far, of `count_max`. `whole_declined`: the last send
    was for all that was owed. `keeps`: what was collected is kept if the rest never comes."""

    policy: str
    owed: int
    least_share: int
    count_max: int
    tried: int = 0
    whole_declined: bool = False
    keeps: bool = False

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Part(NamedTuple):
    """`units` of what is owed; `chance` that they are approved."""

    units: int
    chance: float


def part_of(given: PartInput, code: str | None, units: int, currency: str, tries_left: int) -> Part | None:
    """The part that the next of `tries_left` sends is for; None: it is for all that is owed. `units`: the order's.

    One whose money goes back without the rest is taken only where a further send may still bring the rest. Of all
    allowed parts it is the one that brings most on average.
    """
    policy = PART_POLICIES[given.policy]
    if code not in policy.weights or not given.whole_declined or given.tried >= given.count_max:
        return None
    if tries_left < (1 if given.keeps else 2):
        return None
    least = -(-units * given.least_share // 100)
    found = []
    for top, bottom in policy.shares:
        exact = given.owed * top // bottom
        step = _step(exact, currency)
        part = exact // step * step
        if part < least <= exact + 1:  # the share is large enough, what it was rounded to is not
            part = -(-least // step) * step
        if least <= part < given.owed and part > 0:
            found.append(Part(part, policy.chance(code, part / given.owed)))
    return max(found, key=lambda one: (one.units * one.chance, one.units), default=None)


def _step(units: int, currency: str) -> int:
    """What a part is a multiple of: whole units of the currency where that changes little. Of a third decimal some
    processors take only a zero."""
    digits = EXPONENTS.get(currency, 0)
    whole = int("1" + "0" * digits)
    if units >= _WHOLE_FROM * whole:
        return whole
    return 10 if digits > _DECIMALS else 1
