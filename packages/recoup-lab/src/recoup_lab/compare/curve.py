"""An arm's curve over sends: what it recovers at each mean number of them.

Of an arm with a length, each of its own sends cut after the 1st, 2nd, …: one play gives all points,
exactly where orders do not meet on a card or at an issuer. Of an arm with a price, the plays of the
search.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from recoup_lab.compare.ground import Ground
from recoup_lab.compare.played import Played
from recoup_lab.compare.score import net_of

POINTS_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Point:
    """Mean sends of a declined order, and shares of orders, of amount and net of costs and harm."""

    sends: float
    orders: float
    amount: float
    net: float


def point_of(ground: Ground, played: Played) -> Point:
    amount = sum(order.amount for order in ground.orders)
    recovered = [
        one.amount for one, days in zip(ground.orders, played.days, strict=True) if days is not None
    ]
    return Point(
        played.mean_sends,
        len(recovered) / len(ground.orders),
        sum(recovered) / amount,
        sum(net_of(ground, played)) / amount,
    )


def cut_points(ground: Ground, played: Played) -> list[Point]:
    lengths = range(1, min(max(played.sends, default=0), POINTS_MAX) + 1)
    return [point_of(ground, _cut(played, length)) for length in lengths]


def _cut(played: Played, length: int) -> Played:
    """An approval is an order's last send."""
    return replace(
        played,
        sends=[min(send, length) for send in played.sends],
        days=[
            days if sends <= length else None
            for sends, days in zip(played.sends, played.days, strict=True)
        ],
    )


def at_sends(points: Sequence[Point], sends: float) -> Point | None:
    """The point at that number of sends, on the straight line between the neighbours; None beyond
    the last."""
    ordered = [Point(0, 0, 0, 0), *sorted(points, key=lambda point: point.sends)]
    for before, after in zip(ordered, ordered[1:], strict=False):
        if before.sends <= sends <= after.sends:
            width = after.sends - before.sends
            part = (sends - before.sends) / width if width else 1.0
            return Point(
                sends,
                before.orders + part * (after.orders - before.orders),
                before.amount + part * (after.amount - before.amount),
                before.net + part * (after.net - before.net),
            )
    return None
