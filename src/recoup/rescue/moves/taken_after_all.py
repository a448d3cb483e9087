"""The processor has the money of an attempt that counts as not made."""

from recoup.networks import whys
from recoup.orders.moves.change import Change
from recoup.orders.rules.attention import ANSWER_DIFFERS
from recoup.orders.rules.holds import BY_OPERATOR
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import Attempt
from recoup.rescue.moves.close import raise_unclear
from recoup.rescue.moves.ending import go_on


def taken_after_all(change: Change, attempt: Attempt) -> None:
    """Stops sending for the order before people have looked it up: it would be charged twice."""
    order = change.order
    if order.stage is Stage.HELD and order.held.get("cause") != BY_OPERATOR:
        change.undue("release")
        go_on(change, whys.ON_HOLD)
    if order.stage is Stage.PROCESSING and order.attempt_in_flight() is None:
        change.step("held", why=whys.ON_HOLD, cause=BY_OPERATOR)
        change.undue("retry")
    raise_unclear(change, attempt, ANSWER_DIFFERS)
