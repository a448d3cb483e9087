"""A modification goes to the processor under its own id: transaction A, call, transaction B. A
later try inquires first what became of the one before, and sends the same id again only while the
processor surely knows it."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.orders.flows.external_call import (
    ask_before_repeat,
    call_with_timeout,
    deadline_of,
    may_be_forgotten,
    note_answer,
    processor_of,
)
from recoup.orders.moves.change import Change
from recoup.orders.rules.snapshot import Modification, Order
from recoup.processors.gateways.port import (
    Counterpart,
    Inquiry,
    ModificationMessage,
    Outcome,
    as_requested,
)
from recoup.refunds.moves.send import close_modification, open_modification
from recoup.refunds.store.refunds import order_of_modification
from recoup.rescue.flows.ask_first import modification_found
from recoup.rescue.flows.locked import Orders

_KINDS: dict[str, Literal["refund", "void", "capture"]] = {
    "refund": "refund", "reversal": "refund", "void": "void", "capture": "capture",
}  # fmt: skip


async def send_modification(
    world: World, orders: Orders, merchant_id: UUID, modification_id: UUID
) -> None:
    order_id = await order_of_modification(world.db, merchant_id, modification_id)
    if order_id is None:
        raise Problem("not_found", "There is no such refund.", cure="Check its id.")
    key = (merchant_id, order_id)

    def intent(change: Change) -> tuple[Order, Modification] | None:
        processor = processor_for(world, change.order, modification_id)
        forgotten = may_be_forgotten(
            world, processor, change.order.modification(modification_id).wire_id
        )
        modification = open_modification(
            change,
            modification_id,
            world.policy.call_timeout,
            processor.settled_after,
            forgotten=forgotten,
        )
        return (change.order, modification) if modification else None

    opened = await orders.run(intent, key)
    if opened is None:
        return
    order, modification = opened
    processor = processor_for(world, order, modification_id)
    outcome = await _settled(world, processor, order, modification)
    outcome = as_requested(outcome, modification.units, modification.asset)
    state, waits = await note_answer(
        world, processor, "modification", outcome, merchant_id, is_first=_is_first(modification)
    )
    if outcome.result_follows and not outcome.contradicts:
        state = "received"

    def result(change: Change) -> str:
        change.identify(modification_id, outcome.ids)
        return close_modification(
            change,
            modification_id,
            modification.wire_id,
            state,
            reference=outcome.reference,
            code=outcome.own_code or outcome.scheme_code,
            contradicts=outcome.contradicts,
            keeps_rest=keeps_rest(processor),
            waits=waits,
        )

    await orders.run(result, key)


def keeps_rest(counterpart: Counterpart) -> bool:
    """True when we have to void the rest of a hold that was captured in part. A channel holds
    nothing."""
    return bool(getattr(counterpart, "keeps_rest", False))


def processor_for(world: World, order: Order, modification_id: UUID) -> Counterpart:
    """The route that took the payment gives it back."""
    modification = order.modification(modification_id)
    payment = next((a for a in order.attempts if a.attempt_id == modification.attempt_id), None)
    route = payment.route if payment and payment.route else next(iter(world.processors))
    if order.kind != "stable":
        return processor_of(world, route)
    return world.channels[route]


async def _settled(
    world: World, processor: Counterpart, order: Order, modification: Modification
) -> Outcome:
    message, known = message_of(world, order, modification), None
    if not _is_first(modification):
        known = await ask_before_repeat(
            world,
            processor,
            Inquiry(message.id, "modification", message, modification.reference, message.sent_at),
            "refund",
            lambda answer: as_requested(answer, modification.units, modification.asset),
        )
    known = known or await modification_found(world, processor, message)
    return known or await call_with_timeout(processor.modify(message), message.timeout_seconds)


def _is_first(modification: Modification) -> bool:
    """True when no try before this one may have left."""
    return modification.unsent >= modification.tries - 1


def message_of(world: World, order: Order, modification: Modification) -> ModificationMessage:
    assert modification.send_before is not None
    assert modification.attempt_id is not None
    return ModificationMessage(
        id=modification.wire_id,
        charge_id=modification.attempt_id,
        units=modification.units,
        currency=modification.asset,
        kind=_KINDS[modification.kind],
        sent_at=modification.business_at,
        send_before_monotonic=deadline_of(world, modification.send_before),
        timeout_seconds=world.policy.call_timeout / timedelta(seconds=1),
        reference=order.attempt(modification.attempt_id).reference,
        final_part=modification.final_part,
        captured_before=captured_before(order, modification),
        merchant_id=order.merchant_id,
        key=modification.wire_key,
        charge_key=order.attempt(modification.attempt_id).key or modification.attempt_id,
        order_key=order.key,
    )


def captured_before(order: Order, modification: Modification) -> int:
    """Units of the hold that were captured when the modification was requested."""
    return sum(
        capture.units
        for capture in order.modifications
        if capture.kind == "capture"
        and capture.state == "done"
        and capture.modification_no < modification.modification_no
    )
