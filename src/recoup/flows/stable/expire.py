"""Before a stablecoin order expires its channel is asked once more: what was paid in time is never lost."""

from uuid import UUID

from recoup.flows.locked import Orders
from recoup.flows.stable.pay import record_payment
from recoup.gateways.channels.port import Channel
from recoup.kernel.problem import Problem
from recoup.kernel.scope import WORKER
from recoup.kernel.world import World
from recoup.rules.order.lifecycle import OPEN
from recoup.store.read.stable_orders import stable_order


async def last_look(world: World, orders: Orders, key: tuple[UUID, UUID]) -> None:
    """Does nothing for orders of the other dialect.

    Raises: Problem(unavailable) when the channel cannot be asked: then expiry waits.
    """
    async with world.db.connection() as connection:
        order = await stable_order(connection, *key)
    if order is None or order.stage not in OPEN or not order.channel:
        return
    channel: Channel = world.channels[order.channel]
    outcome = await channel.inquire(order.attempt_id)
    if outcome.state == "unknown":
        raise Problem("unavailable", "The channel cannot be asked what became of the payment.", retry_after_seconds=5)
    if outcome.state in ("approved", "declined"):
        await record_payment(world, orders, key, order.attempt_id, order.channel, outcome, actor=WORKER)
