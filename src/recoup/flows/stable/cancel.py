"""The merchant calls a stablecoin order off, as long as nothing came in."""

from uuid import UUID

from recoup.flows.locked import Job, Orders
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.moves.change import Change
from recoup.moves.end_order import cancel as cancel_move


async def cancel(orders: Orders, scope: Scope, order_id: UUID) -> None:
    """Ends the order, or does nothing when the merchant cancelled it before.

    Raises: Problem wrong_state, not_found.
    """

    def work(change: Change) -> bool:
        if change.order.kind != "stable":
            raise Problem("not_found", "There is no such order.")
        return cancel_move(change)

    await orders.change(Job((scope.merchant_id, order_id), work, scope.actor, scope.request_id))
