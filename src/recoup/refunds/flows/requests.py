"""Outcomes of a refund that needs a second person: approved, refused, withdrawn, or expired after a
week."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from recoup.disputes.moves.answer import ask_answer
from recoup.kernel.money import Money
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Actor, Scope
from recoup.kit.world import World
from recoup.orders.moves.change import Change
from recoup.orders.rules.refund_limits import ACCEPT, REFUND, RefundApproval
from recoup.orders.rules.snapshot import Order
from recoup.refunds.flows.refund import RefundRequest, what_to_refund
from recoup.refunds.moves import refund_approval as refund_requests
from recoup.refunds.moves.refund import owe_refund
from recoup.refunds.store.refund_limits import RequestOrigin, find_refund_request
from recoup.rescue.flows.locked import Orders
from recoup.stablecoin.moves.late_payment import decide, pending

REASON_MAX: Final = 200


async def approve(
    world: World,
    orders: Orders,
    scope: Scope,
    request_id: UUID,
    *,
    requester_role: str | None,
    seen_units: int,
) -> None:
    """Does what was asked for, once. That the approver may decide is the door's to know, as is what
    the requester is at the merchant now (None: they may not refund there any more).

    Raises: Problem not_found, wrong_state, forbidden, over_remainder.
    """
    cap_percent = world.policy.refund_cap_percent

    def carry_out(change: Change, request: RefundApproval) -> None:
        act, units = request.act, request.units
        if act == REFUND:
            units = _still_possible(change.order, request, cap_percent)
        elif act != ACCEPT:
            units = sum(request.units for request in pending(change.order, act))
        if units != request.units:
            raise Problem(
                "wrong_state",
                "The order has changed: what was asked for is worth another amount now.",
                cure="Refuse it; a refund of the rest can be requested again.",
            )
        if act == ACCEPT:
            ask_answer(change, UUID(request.items[0]["dispute_id"]), ACCEPT, request.requested_by)
        elif act != REFUND:
            decide(change, act, request.message, request)
        else:
            owe_refund(
                change,
                units,
                message=request.message,
                items=request.items,
                input_mac=bytes.fromhex(request.input_mac[2:]),
                actor=request.requested_by,
                modification_id=request.request_id,
                approved_by=change.actor,
            )

    def work(change: Change) -> None:
        refund_requests.approve(
            change,
            request_id,
            requester_role=requester_role,
            seen_units=seen_units,
            carry_out=carry_out,
        )

    row = await _row(world, scope.merchant_id, request_id)
    await _change(orders, scope, row.order_id, work, Actor.of(row.requested_by), wallet=True)


async def refuse(world: World, orders: Orders, scope: Scope, request_id: UUID, reason: str) -> None:
    """Raises: Problem not_found, wrong_state, forbidden, invalid."""
    row, text = (
        await _row(world, scope.merchant_id, request_id),
        " ".join(reason.replace("\0", "").split()),
    )
    await _change(
        orders,
        scope,
        row.order_id,
        lambda change: refund_requests.refuse(change, request_id, text[:REASON_MAX]),
    )


async def withdraw(world: World, orders: Orders, scope: Scope, request_id: UUID) -> None:
    """Raises: Problem not_found, wrong_state, forbidden."""
    row = await _row(world, scope.merchant_id, request_id)
    await _change(
        orders, scope, row.order_id, lambda change: refund_requests.withdraw(change, request_id)
    )


async def order_of(world: World, merchant_id: UUID, request_id: UUID) -> UUID:
    """Raises: Problem(not_found)."""
    return (await _row(world, merchant_id, request_id)).order_id


async def let_request_expire(
    world: World, orders: Orders, merchant_id: UUID, request_id: UUID
) -> None:
    """Due work `refund_request`."""
    row = await _row(world, merchant_id, request_id)
    key = (merchant_id, row.order_id)
    await orders.run(
        lambda change: refund_requests.expire(change, request_id),
        key,
        person=Actor("worker", "requests"),
    )


def _still_possible(order: Order, request: RefundApproval, cap_percent: int | None) -> int:
    """Units that the request comes to now. Raises: Problem, as a new refund of the same would."""
    parts = tuple(
        {"line": part["line"]}
        | ({"quantity": part["quantity"]} if part["quantity"] else {"amount": part["units"]})
        for part in request.items
    )
    amount = None if parts else Money(request.units, request.asset).text()
    try:
        return what_to_refund(
            order, RefundRequest(amount=amount, items=parts or None), cap_percent
        )[0]
    except Problem as problem:
        raise Problem(
            problem.code,
            Sentence("The order no longer allows it. {0}", problem.message),
            cure="Refuse it; a refund of the rest can be requested again.",
        ) from None


async def _row(world: World, merchant_id: UUID, request_id: UUID) -> RequestOrigin:
    """Raises: Problem(not_found)."""
    row = await find_refund_request(world.db, merchant_id, request_id)
    if row is None:
        raise Problem("not_found", "There is no such request.", cure="Check the order's refunds.")
    return row


async def _change(
    orders: Orders,
    scope: Scope,
    order_id: UUID,
    work: Callable[[Change], None],
    person: Actor | None = None,
    *,
    wallet: bool = False,
) -> None:
    key = (scope.merchant_id, order_id)
    await orders.run(work, key, scope, person=person or scope.actor, wallet=wallet)
