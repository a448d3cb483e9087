"""A stored method that its processor no longer has, or a card whose number was deleted: read as an
expired card's decline, whose cure is another card."""

from typing import Final

from recoup.networks.codes import answered_code
from recoup.networks.decline_code import NETWORK, DeclineCode
from recoup.orders.rules.snapshot import Attempt, Order

METHOD_GONE: Final = "method_gone"  # as the processor's code
_EXPIRED: Final = {"amex": "101"}


def code_read(order: Order, attempt: Attempt) -> DeclineCode | None:
    """The code by which an attempt's decline is read."""
    card = order.card if order.card and not order.card.sealed else None
    if card is not None and attempt.processor_code == METHOD_GONE and not attempt.scheme_code:
        return DeclineCode(NETWORK, _EXPIRED.get(card.scheme, "54"))
    return answered_code(attempt.scheme_code, attempt.processor_code)


def is_closed(order: Order) -> bool:
    """True when its card is a method that is gone, or was erased, or a number that was deleted:
    nothing is sent for it."""
    if order.card is None:
        return False
    method = order.card.stored
    return not order.card.sealed if method is None else method.is_closed or not method.reference
