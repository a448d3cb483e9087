"""Bins of time and counts that the engine's coefficients are learned for.

Training and scoring cut alike: both call this.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final

from recoup.rescue.rules.answer_classes import FUNDS, HARD, SOFT

# Answers after which a try within hours brings next to nothing; a technical one or a limit may mend
# at once.
RESTS: Final = (FUNDS, SOFT, HARD)

# How money stood when it was last asked for: it was there or nothing is known, another reason was
# told, it was missing.
THERE, UNTOLD, MISSING = range(3)
STANDINGS: Final = 3


def places_of_keys(keys: Sequence[str]) -> dict[str, int]:
    """Places from 1 of codes with their advice, given the most usual first; and of an advice
    (`/02`) that of its first: it says more of a try than the code beside it."""
    places = {name: place for place, name in enumerate(keys, start=1)}
    for name, place in tuple(places.items()):
        if "/" in name:
            places.setdefault(name[name.index("/") :], place)
    return places


def place_of_key(places: Mapping[str, int], key: str) -> int:
    """0: like none of them."""
    return places.get(key) or (places.get(key[key.index("/") :], 0) if "/" in key else 0)


# Hours since the posting day began at the card holder.
SINCE: Final = (0, 3, 6, 9, 12, 15, 18, 24, 30, 36, 48, 60, 72, 96, 120, 168, 240)
# Hours since the payer's attempt before.
GAP: Final = (0, 1, 3, 6, 12, 18, 24, 36, 48, 72, 120, 168, 240)
# Hours after the first decline by which what holds an order has mended; after the last it never
# does.
HOLDS: Final = (0, 3, 8, 16, 24, 36, 48, 72, 96, 144, 192, 240, 312, 384, 480, 600)
# Hours since the payer's attempt before, for payers whose money comes on no days: its chance grows
# with them.
IDLE: Final = (0, 6, 12, 24, 36, 48, 72, 96, 120, 168, 216, 264, 336, 432, 552)
TRIES: Final = 8  # 0 is the payment itself; the last bin holds all further ones
HOURS: Final = 8  # of three hours each, in UTC: an issuer's machines know no card holder's zone
WEEKDAYS: Final = 7
_SINCE_ENDS, _GAP_ENDS, _IDLE_ENDS = SINCE[1:], GAP[1:], IDLE[1:]


def since_bin(hours: float) -> int:
    return bisect_right(_SINCE_ENDS, hours)


def gap_bin(hours: float) -> int:
    return bisect_right(_GAP_ENDS, hours)


def idle_bin(hours: float) -> int:
    return bisect_right(_IDLE_ENDS, hours)


def tries_bin(tries: int) -> int:
    return min(tries, TRIES - 1)
