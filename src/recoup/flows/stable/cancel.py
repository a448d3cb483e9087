"""The merchant calls a stablecoin order off, as long as nothing came in."""

from uuid import UUID

from recoup.flows.locked import Job, Orders
from recoup.kernel.scope import Scope
from recoup.moves.end_order import cancel as cancel_move


async def cancel(orders: Orders, scope: Scope, order_id: UUID) -> None:
    """Ends the order, or does nothing when the merchant cancelled it before.

    Raises: Problem wrong_state, not_found.
    """
    key = (scope.merchant_id, order_id)
    await orders.change(Job(key, cancel_move, scope.actor, scope.request_id, door="stablecoin"))
