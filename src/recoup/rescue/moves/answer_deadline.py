"""The customer stands at the merchant's checkout: no answer by the deadline is a decline."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.kernel.feature import Place
from recoup.networks import whys
from recoup.networks.codes import Reading
from recoup.orders.moves.change import Change
from recoup.orders.rules.snapshot import Order
from recoup.rescue.rules.order_evidence import first_reading
from recoup.terms.rules.exposure import Occasion

Otherwise = Callable[[UUID | None], None]
Before = Callable[[], None]
Advances = Callable[[Change, Occasion, Reading, Otherwise, Before | None], None]
# Whoever takes the risk of an order that is not collected yet, as `advance_or`.
ADVANCE: Final = Place[Advances]("advance")


def answer_by(order: Order) -> datetime | None:
    """Wall time by which the merchant gets an answer."""
    promised = order.facts.get("answer_by")
    return datetime.fromisoformat(promised) if promised else None


def in_time(change: Change) -> bool:
    """True when a caller may still wait for the answer."""
    until = answer_by(change.order)
    return until is None or change.wall < until


def too_late(change: Change) -> bool:
    """Ends an order whose customer has left before anything was sent for it."""
    if not change.order.customer_waits or in_time(change):
        return False
    decline(change, whys.CUSTOMER_LEFT)
    return True


def unresolved(change: Change, *, caller_waits: bool) -> Order:
    """The order at the deadline: the operator takes the risk of the attempt that is out, or the
    order is declined. Of a declined one what is still out goes back when it turns out to be
    approved.

    `caller_waits`: a caller gets this answer. Without one the purchase was never confirmed: nothing
    is charged later.
    """
    order, why = change.order, whys.PROCESSOR_LATE
    change.undue("unresolved")
    if order.customer_waits and order.attempt_in_flight() is not None and caller_waits:
        advance_or(
            change,
            "unresolved",
            first_reading(order),
            lambda refused: decline(change, why, decision_id=refused),
        )
    elif order.customer_waits:
        decline(change, why)
    return order


def advance_or(
    change: Change,
    occasion: Occasion,
    reading: Reading,
    otherwise: Otherwise,
    before: Before | None = None,
) -> None:
    """Advances the order where somebody takes the risk of it; else `otherwise`, with the decision
    against it, where one was made. Both may happen later in its transaction, before anything of
    that is written. `before`: what the log says first of an order that is advanced."""
    advance = ADVANCE.first()
    if advance is None:
        otherwise(None)
    else:
        advance(change, occasion, reading, otherwise, before)


def decline(change: Change, why: str, *, decision_id: UUID | None = None) -> None:
    change.step("declined", decision_id=decision_id, why=why, reasons=[why], cause="cit_unresolved")
