"""Direct money leaves for the merchant's own wallet: intent, call, outcome, as every effect."""

from datetime import timedelta
from uuid import UUID

from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.orders.flows.external_call import call_with_timeout, channel_of, deadline_of
from recoup.orders.moves.change import Change
from recoup.orders.rules.snapshot import Order, Settlement
from recoup.processors.gateways.channels import Channel, Sweep
from recoup.processors.gateways.port import Outcome
from recoup.rescue.flows.locked import Orders
from recoup.settlement.store.settlements import order_of_settlement
from recoup.stablecoin.moves.sweep import close_settlement, open_settlement, replace_settlement


async def settle(world: World, orders: Orders, merchant_id: UUID, settlement_id: UUID) -> None:
    order_id = await order_of_settlement(world.db, merchant_id, settlement_id)
    if order_id is None:
        raise Problem("not_found", "There is no such settlement.", "Check its id.")
    key = (merchant_id, order_id)

    def intent(change: Change) -> tuple[Order, Settlement] | None:
        again_after = (
            world.policy.call_timeout + _channel(world, change.order, settlement_id).settled_after
        )
        settlement = open_settlement(change, settlement_id, again_after)
        return (change.order, settlement) if settlement else None

    opened = await orders.run(intent, key)
    if opened is None:
        return
    order, settlement = opened
    outcome = await _call(world, _channel(world, order, settlement_id), settlement, merchant_id)

    def result(change: Change) -> str:
        return close_settlement(
            change, settlement_id, outcome.state, tx_hash=outcome.reference, code=outcome.own_code
        )

    await orders.run(result, key)


async def settle_again(orders: Orders, scope: Scope, order_id: UUID) -> None:
    """Sends anew what the channel refused for good; a repeat does nothing.

    Raises: Problem not_found, wrong_state.
    """
    await orders.run(replace_settlement, (scope.merchant_id, order_id), scope, door="stablecoin")


def _channel(world: World, order: Order, settlement_id: UUID) -> Channel:
    """The one that the payment came by."""
    return channel_of(world, order.attempt(order.settlement(settlement_id).attempt_id).route)


async def _call(
    world: World, channel: Channel, settlement: Settlement, merchant_id: UUID
) -> Outcome:
    assert settlement.send_before
    timeout = world.policy.call_timeout / timedelta(seconds=1)
    sweep = Sweep(
        id=settlement.settlement_id,
        payment_id=settlement.attempt_id,
        merchant_id=merchant_id,
        units=settlement.units,
        currency=settlement.asset,
        send_before_monotonic=deadline_of(world, settlement.send_before),
        timeout_seconds=timeout,
    )
    return await call_with_timeout(channel.sweep(sweep), timeout)
