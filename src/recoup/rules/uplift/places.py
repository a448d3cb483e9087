"""The comparison of arms within each site and campaign. Pure.

Places are numbered as their first windows closed, and each may err less than the one before: all of them together, at
every look, as often as one comparison alone. So whoever looks for the best place is not misled by chance.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from recoup.rules.uplift.closed_order import ClosedOrder
from recoup.rules.uplift.comparison import ComparedArm, Comparison, Outcome
from recoup.rules.uplift.looks import FIRST
from recoup.rules.uplift.sequence import quarter_alpha


def compared_places(orders: Sequence[ClosedOrder]) -> dict[str, Comparison]:
    """`orders` by closing day. Of each place as many orders are expected in 90 days as its first 30 days promise."""
    began: dict[str, date] = {}
    for one in orders:
        began[one.place] = min(began.get(one.place, one.declined_on), one.declined_on)
    expected = dict.fromkeys(began, 0)
    for one in orders:
        expected[one.place] += 3 * (one.declined_on < began[one.place] + FIRST)
    found: dict[str, Comparison] = {}
    for one in orders:
        place = found.get(one.place)
        if place is None:
            place = found[one.place] = Comparison(expected[one.place], quarter_alpha(len(found)))
        place.add(Outcome(one.payer, one.arm, one.rescued_on is not None, one.chance or 0.0, 1.0, one.share))
    return found


def place_figures(compared: Mapping[str, Comparison], place: str) -> dict[str, Any]:
    """Of one place; without orders of both arms there is nothing to compare, with few payers not enough."""
    found = compared.get(place)
    look = found.look() if found is not None else None
    return {
        "engine": _arm(found, "engine"),
        "holdout": _arm(found, "holdout"),
        "difference": round(look.difference, 6) if look else None,
        "low": round(look.low, 6) if look else None,
        "high": round(look.high, 6) if look else None,
    }


def _arm(found: Comparison | None, arm: ComparedArm) -> dict[str, Any]:
    orders = found.orders(arm) if found is not None else 0
    rescued = round(found.mean(arm) * orders) if found is not None and orders else 0
    return {"orders": orders, "payers": found.payers(arm) if found is not None else 0, "rescued": rescued}
