"""Refunds by people: one goes at once, or waits for a second person who agrees, once, or not at
all.

A request reserves nothing: what is still possible is decided when somebody agrees, under the
order's lock and the lock of the requester's day.
"""

from collections.abc import Callable
from uuid import UUID

from recoup.kernel.problem import Problem, invalid
from recoup.orders.moves.change import Change
from recoup.orders.moves.outgoing import context_of
from recoup.orders.rules.refund_limits import (
    RefundApproval,
    check_day,
    check_one,
    check_other,
    check_waiting,
    is_theirs,
)


def approve(
    change: Change,
    request_id: UUID,
    *,
    requester_role: str | None,
    seen_units: int,
    carry_out: Callable[[Change, RefundApproval], None],
) -> None:
    """The second person's approval: what was asked for is done, a refund under the id of its
    request. `requester_role`: the requester's role now; None: they may not refund any more.
    `seen_units`: what was refunded of the order as the approver saw it. `carry_out` raises for what
    the order does not allow any more. A repeat by the same person does nothing.

    Raises: Problem not_found, wrong_state, forbidden.
    """
    context, order, approver = context_of(change), change.order, change.actor
    request = found(change, request_id)
    if (request.state, request.decided_by) == ("approved", approver):
        return
    check_waiting(request, change.now)
    check_other(request, approver)
    if requester_role is None:
        message = "Who asked for it may not refund here any more."
        raise Problem("wrong_state", message, cure="Refuse it; somebody who may can ask again.")
    if order.refunded_units != seen_units:
        message = (
            "The order has changed since you looked: another refund was made, or taken "
            "back, in between."
        )
        raise Problem("wrong_state", message, cure="Look at the order again, then decide.")
    check_one(context.of(change.role or ""), request.units, order.asset)
    check_one(context.of(requester_role), request.units, order.asset, "The role of who asked")
    check_day(
        context.of(requester_role), request.units, context.day.units, order.asset, "Who asked"
    )
    carry_out(change, request)
    _decided(change, request, "approved")
    change.leaving_units += request.units


def refuse(change: Change, request_id: UUID, reason: str) -> None:
    """Raises: Problem not_found, wrong_state, invalid, forbidden."""
    request = found(change, request_id)
    if (request.state, request.decided_by) == ("refused", change.actor):
        return
    check_waiting(request, change.now)
    check_other(request, change.actor)
    if not reason:
        raise invalid("Say why it is refused.", "reason", "Write it beside the button.")
    _decided(change, request, "refused", reason)
    change.fact("refund_request_refused", request_id, units=request.units)


def withdraw(change: Change, request_id: UUID) -> None:
    """Withdraws a request, for its requester only. Raises: Problem not_found, wrong_state,
    forbidden."""
    request = found(change, request_id)
    if not is_theirs(request.requested_by, change.actor):
        raise Problem(
            "forbidden",
            "Only who asked for it takes it back.",
            cure="Refuse it instead, and say why.",
        )
    if request.state == "withdrawn":
        return
    check_waiting(request, change.now)
    _decided(change, request, "withdrawn")
    change.fact("refund_request_withdrawn", request_id, units=request.units)


def expire(change: Change, request_id: UUID) -> None:
    """Its time is up. One that was decided just before, or waits longer, stays as it is."""
    request = found(change, request_id)
    if request.state == "waiting" and change.now >= request.expires_at:
        _decided(change, request, "expired")
        change.fact("refund_request_expired", request_id, units=request.units)


def found(change: Change, request_id: UUID) -> RefundApproval:
    """Raises: Problem(not_found)."""
    request = next(
        (request for request in context_of(change).requests if request.request_id == request_id),
        None,
    )
    if request is None:
        raise Problem("not_found", "There is no such request.", cure="Check the order's refunds.")
    return request


def _decided(change: Change, request: RefundApproval, state: str, reason: str = "") -> None:
    change.set_request(
        request, state=state, decided_by=change.actor, decided_at=change.now, reason=reason
    )
    change.undue("refund_request", subject_id=request.request_id)
