"""What somebody shall look at about an order; an order has one line for what may be several things."""

from typing import Final

from recoup.rules.order.lifecycle import Stage
from recoup.rules.order.snapshot import Order

PAID_TWICE: Final = "Paid twice: the merchant's own payment succeeded too. Refund one of them."
PAID_TOO: Final = "The same customer paid the same amount with this card under another order id."
FOR_PEOPLE: Final = (PAID_TWICE, PAID_TOO)  # no answer of a processor settles it
STUCK: Final = "A {kind} is stuck: the processor did not take it."
UNKNOWN: Final = "The processor has not said for a day whether this payment went through."


def late(dispute_no: int) -> str:
    return f"Dispute {dispute_no} must be answered soon; without an answer it is lost."


def needed(order: Order) -> str | None:
    """What still needs somebody, whatever was settled beside it."""
    if order.stage is Stage.HELD:
        return str(order.held.get("why") or "held")
    if order.stage is Stage.PROBLEM:
        return UNKNOWN
    stuck = next((refund for refund in order.refunds if refund.state == "stuck"), None)
    if stuck is not None:
        return STUCK.format(kind=stuck.kind)
    open_ = next((d for d in order.disputes if d.state == "open" and d.warned and not d.answering), None)
    return late(open_.dispute_no) if open_ is not None else None
