"""Due work `collect` and `write_off`: the customer of an advanced order is charged by the plan,
through the same gate, intent, call and outcome as every other send."""

from uuid import UUID

from recoup.kernel.scope import WORKER, Actor
from recoup.kit.world import World
from recoup.orders.moves.change import Change
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.pick_route import route_of
from recoup.rescue.flows.send import carry_out
from recoup.rescue.moves.collection import end_collection, open_charge


async def collect(
    world: World,
    orders: Orders,
    key: tuple[UUID, UUID],
    *,
    actor: Actor = WORKER,
    request_id: str = "worker",
) -> str | None:
    """Sends the due charge; answers its attempt's state, or None when there was nothing to send."""

    def intent(change: Change) -> tuple[Order, Attempt] | None:
        attempt = open_charge(change, world.policy, route_of(world))
        return (change.order, attempt) if attempt is not None else None

    return await carry_out(world, orders, key, intent, actor=actor, request_id=request_id)


async def write_off(orders: Orders, key: tuple[UUID, UUID]) -> None:
    await orders.run(end_collection, key)
