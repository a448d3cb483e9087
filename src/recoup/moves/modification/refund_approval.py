"""Refunds by people: one goes at once, or waits for a second person who agrees, once, or not at all.

A request reserves nothing: what is still possible is decided when somebody agrees, under the order's lock and the lock
of the requester's day.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, invalid
from recoup.moves.change import Change
from recoup.moves.modification.refund import check_wallet, owe_refund
from recoup.moves.order.amendment import check_room
from recoup.rules.money.refund_limits import (
    WAITS,
    RefundApproval,
    RefundApprovalContext,
    check_day,
    check_one,
    check_other,
    check_waiting,
    goes_alone,
    is_theirs,
)
from recoup.rules.order.snapshot import Order
from recoup.store.table import hex_of


def may_go(change: Change, units: int, role: str, actor: str) -> bool:
    """Whether it goes without a second person. Raises: Problem(forbidden) when it may not go at all; wrong_state when
    one of this order waits already and this one would have to wait, too."""
    context, order = _context(change), change.order
    alone = goes_alone(
        context.of(role), units, order.asset, spent_units=context.day.units, alone_units=_alone(order, actor)
    )
    if not alone and context.waiting() is not None:
        raise Problem(
            "wrong_state",
            "A refund of this order is already waiting for approval.",
            cure="See Refunds: have it decided, or withdrawn, first.",
        )
    return alone


def ask_second(
    change: Change, units: int, *, message: str, items: list[dict[str, Any]], input_mac: bytes, actor: str, role: str
) -> RefundApproval:
    """Nothing is owed yet. It waits for seven days of the merchant's time. Raises: Problem(wrong_state) for more than
    the wallet of a stablecoin order holds: what cannot be paid needs no approval; Problem(conflict) as
    `check_room`."""
    check_wallet(change, units)
    check_room(change)
    order, now = change.order, change.now
    request = RefundApproval(
        request_id=new_id(),
        order_id=order.order_id,
        state="waiting",
        units=units,
        asset=order.asset,
        message=message,
        items=items,
        input_mac=hex_of(input_mac),
        requested_by=actor,
        requested_role=role,
        requested_at=now,
        expires_at=now + WAITS,
    )
    change.set_request(request)
    change.fact("refund_asked", request.request_id, units=units, until=request.expires_at.isoformat())
    change.due("refund_request", request.expires_at, subject_id=request.request_id)
    return request


def approve(
    change: Change,
    request_id: UUID,
    approver: str,
    *,
    role: str,
    requester_role: str | None,
    seen_units: int,
    possible: Callable[[Order, RefundApproval], None],
) -> None:
    """The second person's approval: the refund is owed, under the id of its request. `requester_role`: the requester's
    role now; None: they may not refund any more. `seen_units`: what was refunded of the order as the approver saw it.
    `possible` raises for what the order does not allow any more. A repeat by the same person does nothing.

    Raises: Problem not_found, wrong_state, forbidden.
    """
    context, order = _context(change), change.order
    request = found(change, request_id)
    if (request.state, request.decided_by) == ("approved", approver):
        return
    check_waiting(request, change.now)
    check_other(request, approver)
    if requester_role is None:
        message = "Who asked for it may not refund here any more."
        raise Problem("wrong_state", message, cure="Refuse it; somebody who may can ask again.")
    if order.refunded_units != seen_units:
        message = "The order has changed since you looked: another refund was made, or taken back, in between."
        raise Problem("wrong_state", message, cure="Look at the order again, then decide.")
    possible(order, request)
    check_one(context.of(role), request.units, order.asset)
    check_one(context.of(requester_role), request.units, order.asset, "The role of who asked")
    check_day(context.of(requester_role), request.units, context.day.units, order.asset, "Who asked")
    owe_refund(
        change,
        request.units,
        message=request.message,
        items=request.items,
        input_mac=bytes.fromhex(request.input_mac[2:]),
        actor=request.requested_by,
        modification_id=request.request_id,
        approved_by=approver,
    )
    _decided(change, request, "approved", approver)
    context.day.units += request.units


def refuse(change: Change, request_id: UUID, actor: str, reason: str) -> None:
    """Raises: Problem not_found, wrong_state, invalid, forbidden."""
    request = found(change, request_id)
    if (request.state, request.decided_by) == ("refused", actor):
        return
    check_waiting(request, change.now)
    check_other(request, actor)
    if not reason:
        raise invalid("Say why it is refused.", "reason", "Write it beside the button.")
    _decided(change, request, "refused", actor, reason)
    change.fact("refund_request_refused", request_id, units=request.units)


def withdraw(change: Change, request_id: UUID, actor: str) -> None:
    """Only the requester. Raises: Problem not_found, wrong_state, forbidden."""
    request = found(change, request_id)
    if not is_theirs(request.requested_by, actor):
        raise Problem("forbidden", "Only who asked for it takes it back.", cure="Refuse it instead, and say why.")
    if request.state == "withdrawn":
        return
    check_waiting(request, change.now)
    _decided(change, request, "withdrawn", actor)
    change.fact("refund_request_withdrawn", request_id, units=request.units)


def expire(change: Change, request_id: UUID) -> None:
    """Its time is up. One that was decided just before, or waits longer, stays as it is."""
    request = found(change, request_id)
    if request.state == "waiting" and change.now >= request.expires_at:
        _decided(change, request, "expired", change.actor)
        change.fact("refund_request_expired", request_id, units=request.units)


def found(change: Change, request_id: UUID) -> RefundApproval:
    """Raises: Problem(not_found)."""
    request = next((one for one in _context(change).requests if one.request_id == request_id), None)
    if request is None:
        raise Problem("not_found", "There is no such request.", cure="Check the order's refunds.")
    return request


def _decided(change: Change, request: RefundApproval, state: str, actor: str, reason: str = "") -> None:
    change.set_request(request, state=state, decided_by=actor, decided_at=change.now, reason=reason)
    change.undue("refund_request", subject_id=request.request_id)


def _alone(order: Order, actor: str) -> int:
    alone = (r for r in order.modifications if r.kind == "refund" and r.state != "refused" and r.approved_by is None)
    return sum(r.units for r in alone if is_theirs(r.actor, actor))


def _context(change: Change) -> RefundApprovalContext:
    assert change.refund_context is not None, "a job of people"
    return change.refund_context
