"""Check that money may leave at a person's word: the one question behind refunds, returns of late
money, what is settled by hand or kept, and accepted disputes. A system and the operator have no
such limits."""

from recoup.kernel.problem import Problem
from recoup.orders.moves.change import Change
from recoup.orders.rules.refund_limits import RefundApprovalContext, goes_alone, is_theirs
from recoup.orders.rules.snapshot import Order


def may_go(change: Change, units: int) -> bool:
    """True when so much goes without a second person. Raises: Problem(forbidden) when it may not go
    at all; wrong_state when one of this order waits already and this one would have to wait,
    too."""
    if change.role is None:
        if change.who.kind == "user":
            raise Problem("forbidden", "You have no role here any more.", cure="Ask the owner.")
        return True
    context, order, before = context_of(change), change.order, change.leaving_units
    alone = goes_alone(
        context.of(change.role),
        before + units,
        order.asset,
        spent_units=context.day.units,
        alone_units=_alone(order, change.actor) - before,
    )
    if not alone and context.waiting() is not None:
        raise Problem(
            "wrong_state",
            "A refund of this order is already waiting for approval.",
            cure="See Refunds: have it decided, or withdrawn, first.",
        )
    return alone


def leave(change: Change, units: int) -> None:
    """Lets so much leave now. Raises: Problem(forbidden), also for what needs a second person;
    wrong_state."""
    if not may_go(change, units):
        cure = "Ask somebody whose role allows it, or the owner."
        raise Problem("forbidden", "This amount needs a second person.", cure=cure)
    change.leaving_units += units


def context_of(change: Change) -> RefundApprovalContext:
    assert change.refund_context is not None, "a job of people"
    return change.refund_context


def _alone(order: Order, actor: str) -> int:
    back = (
        r for r in order.modifications if r.kind in ("refund", "reversal") and r.state != "refused"
    )
    return sum(r.units for r in back if r.approved_by is None and is_theirs(r.actor, actor))
