"""Decisions of features on an order before anything is sent, and what they hear. Under the locks of
order and card."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from recoup.kernel.feature import Place
from recoup.networks.codes import Reading
from recoup.orders.moves.change import Change
from recoup.orders.rules.decision import Decision
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.rescue.moves.plan import follow


class Stop(NamedTuple):
    """A stored decision that stops whatever would be sent, and the answer that it goes by."""

    decision: Decision
    decision_id: UUID
    reading: Reading


# Under the locks of order and card: a decision that stops a send by the merchant; each decline;
# each approval.
BEFORE_SEND: Final = Place[Callable[[Change], Stop | None]]("before_send")
AFTER_ANSWER: Final = Place[Callable[[Change, Reading, UUID, datetime], None]]("after_answer")
AFTER_APPROVAL: Final = Place[Callable[[Change, Attempt], None]]("after_approval")
_UNDER_WAY: Final = frozenset({Stage.PROCESSING, Stage.HELD, Stage.PROBLEM})


def stop_of(change: Change) -> Stop | None:
    """The first feature's that stops it; None: it may go on. Only under the card's lock."""
    stops = (place(change) for place in BEFORE_SEND)
    return next((stop for stop in stops if stop is not None), None)


def end_if_stopped(change: Change) -> bool:
    """Ends the order if a feature stops it; tells whether it ends. What is out and turns out
    approved is reversed. An order that nobody has looked at yet ends when it is picked up."""
    if change.order.stage not in _UNDER_WAY or not is_counted(change.order):
        return False
    stop = stop_of(change)
    if stop is not None:
        follow(change, *stop)
    return stop is not None


def is_counted(order: Order) -> bool:
    """True when the decline that came in stands among the card's sends: then the order was started
    before. Only then may another card have taken its place."""
    return bool(order.cards_before) or any(send.send_id == order.order_id for send in order.sends)


def declined(change: Change, reading: Reading, source_id: UUID, at: datetime) -> None:
    """A decline of the order: the one that came in, or an attempt's."""
    for hears in AFTER_ANSWER:
        hears(change, reading, source_id, at)


def approved(change: Change, attempt: Attempt) -> None:
    for hears in AFTER_APPROVAL:
        hears(change, attempt)
