"""The customer stands at the merchant's checkout: what cannot be said in time is said to be no."""

from datetime import datetime

from recoup.moves.change import Change
from recoup.rules.order.snapshot import Order


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
    """At the deadline: the order is declined. What is still out goes back when it turns out to be approved."""
    change.undue("unresolved")
    if change.order.customer_waits:
        decline(change, "The processor had not answered when the customer had to be told.")
    return change.order


def decline(change: Change, why: str) -> None:
    change.step("declined", why=why, reasons=[why], cause="cit_unresolved")
