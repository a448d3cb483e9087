"""The merchant calls a stablecoin order off, as long as nothing came in."""

from uuid import UUID

from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.rescue.flows.locked import Orders
from recoup.rescue.moves.ending import cancel as cancel_move
from recoup.stablecoin.flows.expire import last_look


async def cancel(world: World, orders: Orders, scope: Scope, order_id: UUID) -> None:
    """Ends the order, or does nothing when the merchant cancelled it before. An inquiry at its
    channel comes first.

    Raises: Problem wrong_state (it is paid), not_found, unavailable when the channel does not
    answer.
    """
    key = (scope.merchant_id, order_id)
    await last_look(world, orders, key)
    await orders.run(cancel_move, key, scope, door="stablecoin")
