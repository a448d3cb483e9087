"""Inquiries about a stablecoin order that ends unpaid: its channel gets one more before, and after
it until the channel knows: what was paid is never lost."""

from datetime import datetime
from uuid import UUID

from recoup.kernel.problem import Problem
from recoup.kernel.scope import WORKER, Scope
from recoup.kit.world import World
from recoup.orders.rules.lifecycle import OPEN
from recoup.orders.rules.snapshot import Attempt
from recoup.processors.gateways.port import Inquiry
from recoup.rescue.flows.locked import Orders
from recoup.rescue.moves.ending import cancel as cancel_move
from recoup.stablecoin.flows.pay import record_payment
from recoup.stablecoin.moves.payment import denied
from recoup.stablecoin.store.stable_orders import stable_order


async def last_look(world: World, orders: Orders, key: tuple[UUID, UUID]) -> None:
    """Does nothing for orders of the other dialect.

    Raises: Problem(unavailable) when the channel does not answer: then expiry waits.
    """
    order = await stable_order(world.db, *key)
    if order is None or order.stage not in OPEN or not order.channel:
        return
    outcome = await world.channels[order.channel].inquire(Inquiry(order.attempt_id, "payment"))
    if outcome.state == "unknown":
        raise Problem(
            "unavailable",
            "The channel cannot be asked what became of the payment.",
            "Send it again in a few seconds.",
            retry_after_seconds=5,
        )
    if outcome.state in ("approved", "declined"):
        await record_payment(
            world, orders, key, order.attempt_id, order.channel, outcome, actor=WORKER
        )


async def cancel(world: World, orders: Orders, scope: Scope, order_id: UUID) -> None:
    """The merchant calls an order off, or does nothing when it did so before. An inquiry at its
    channel comes first.

    Raises: Problem wrong_state (it is paid), not_found, unavailable when the channel does not
    answer.
    """
    key = (scope.merchant_id, order_id)
    await last_look(world, orders, key)
    await orders.run(cancel_move, key, scope, door="stablecoin")


async def final_inquiry(world: World, orders: Orders, key: tuple[UUID, UUID]) -> None:
    """Due work of an order that ended with a payment out: paid late, or denied when nothing can
    arrive any more.

    Raises: Problem(unavailable) when a channel does not answer: then the inquiry is repeated.
    """
    over: list[Attempt] = []
    again: datetime | None = None
    for attempt in await orders.run(
        lambda change: [sent for sent in change.order.attempts if sent.is_out()], key
    ):
        assert attempt.route is not None
        assert attempt.send_before
        channel = world.channels[attempt.route]
        outcome = await channel.inquire(Inquiry(attempt.attempt_id, "payment"))
        settled = attempt.send_before + channel.settled_after
        if outcome.state == "unknown":
            raise Problem(
                "unavailable",
                "The channel cannot be asked what became of the payment.",
                "Send it again in a few seconds.",
            )
        if outcome.state == "approved":
            await record_payment(
                world, orders, key, attempt.attempt_id, attempt.route, outcome, actor=WORKER
            )
        elif outcome.state == "declined" or world.clocks.wall() > settled:
            over.append(attempt)
        else:
            again = max(again or settled, settled)
    await orders.run(lambda change: denied(change, over, again), key)
