"""The comparison of arms within each site and campaign. Pure.

Places are numbered as their first windows closed, and each may err less than the one before: all of them together, at
every look, as often as one comparison alone. So whoever looks for the best place is not misled by chance.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from recoup.kernel.stop import stoppable
from recoup.rules.uplift.closed_order import OrdersRead
from recoup.rules.uplift.comparison import Comparison
from recoup.rules.uplift.looks import outcome_of, promised
from recoup.rules.uplift.sequence import quarter_alpha
from recoup.rules.uplift.strata import ComparedArm


def compared_places(read: OrdersRead) -> dict[str, Comparison]:
    """By site and campaign; of each as many orders are expected in 90 days as its first 30 days promise."""
    declined: dict[str, list[date]] = {}
    for day, place in read.declined():
        declined.setdefault(place, []).append(day)
    found: dict[str, Comparison] = {}
    for one in stoppable(read.closed):
        if one.place not in found:
            found[one.place] = Comparison(promised(declined[one.place], read.until)[1], quarter_alpha(len(found)))
        found[one.place].add(outcome_of(one))
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
