"""How often one order may be changed on request: all of its log is shown with it, and loaded by whoever works on it.

What processors, banks and time do to an order is recorded without a bound of its own: each attempt and each refund has
an end.
"""

from typing import Final

from recoup.kernel.problem import Problem
from recoup.moves.change import Change

LINES_MAX: Final = 500  # the longest rescue, with its refunds in a hundred parts, has fewer


def check_room(change: Change) -> None:
    """Raises: Problem(conflict) once its log has `LINES_MAX` lines."""
    if not has_room(change):
        raise Problem(
            "conflict",
            f"The order's log has {LINES_MAX} lines, which is the most for changes on request.",
            cure="Cancel the order if it must not be tried any more.",
        )


def has_room(change: Change) -> bool:
    return change.order.version < LINES_MAX
