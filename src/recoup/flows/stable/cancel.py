"""The merchant calls a stablecoin order off, as long as nothing came in."""

from uuid import UUID

from recoup.flows.locked import Orders
from recoup.flows.stable.expire import last_look
from recoup.flows.world import World
from recoup.kernel.scope import Scope
from recoup.moves.order.ending import cancel as cancel_move


async def cancel(world: World, orders: Orders, scope: Scope, order_id: UUID) -> None:
    """Ends the order, or does nothing when the merchant cancelled it before. An inquiry at its channel comes first.

    Raises: Problem wrong_state (it is paid), not_found, unavailable when the channel does not answer.
    """
    key = (scope.merchant_id, order_id)
    await last_look(world, orders, key)
    await orders.run(cancel_move, key, scope, door="stablecoin")
