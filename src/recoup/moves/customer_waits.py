"""The customer stands at the merchant's checkout: what cannot be said in time is said to be no."""

from datetime import datetime

from recoup.moves.advance import advance_or
from recoup.moves.change import Change
from recoup.rules.order.snapshot import Order
from recoup.rules.rescue.order_evidence import first_reading


def answer_by(order: Order) -> datetime | None:
    """Wall time until which the merchant was promised an answer."""
    told = order.facts.get("answer_by")
    return datetime.fromisoformat(told) if told else None


def too_late(change: Change) -> bool:
    """Ends an order whose customer has left before anything was sent for it."""
    until = answer_by(change.order)
    if not change.order.customer_waits or until is None or change.wall < until:
        return False
    decline(change, "No answer could be given while the customer waited.")
    return True


def unresolved(change: Change) -> Order:
    """At the deadline: the operator takes the risk of the try that is out, or the order is declined. Of a declined one
    what is still out goes back when it turns out to be approved."""
    order, why = change.order, "The processor had not answered when the customer had to be told."
    change.undue("unresolved")
    if order.customer_waits and order.going() is not None:
        advance_or(change, "unresolved", first_reading(order), lambda: decline(change, why))
    elif order.customer_waits:
        decline(change, why)
    return order


def decline(change: Change, why: str) -> None:
    change.step("declined", why=why, reasons=[why], cause="cit_unresolved")
