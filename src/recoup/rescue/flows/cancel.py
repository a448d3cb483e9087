"""The merchant calls an order off."""

from uuid import UUID

from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.rescue.flows.locked import Orders
from recoup.rescue.moves.ending import cancel as cancel_move


async def cancel(
    world: World, orders: Orders, scope: Scope, order_id: UUID, *, door: str | None = None
) -> None:
    """Ends the order, or does nothing when the merchant cancelled it before.

    Raises: Problem wrong_state, not_found.
    """
    await orders.run(cancel_move, (scope.merchant_id, order_id), scope, door=door)
