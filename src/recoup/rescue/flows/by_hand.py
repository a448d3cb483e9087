"""A person works on one order: holds it, lets it go, has its next attempt made now, says that its
trouble is over.

Nothing is sent here. What is due is the intent, written under the order's lock; the worker sends it
as ever, through the card's gate, so that a person who presses twice, or a process that dies in
between, sends nothing twice.
"""

from collections.abc import Callable
from uuid import UUID

from recoup.kernel.scope import Scope
from recoup.orders.moves.change import Change
from recoup.rescue.flows.locked import Orders
from recoup.rescue.moves.by_hand import deal_with as deal_with_it
from recoup.rescue.moves.by_hand import hold_by_hand, release_by_hand, retry_now

Work = Callable[[Change], bool]


async def hold(
    orders: Orders, scope: Scope, order_id: UUID, reason: str, *, operator: bool = False
) -> bool:
    """Holds an order; False when it was held before. Raises: Problem not_found, wrong_state,
    conflict, invalid."""
    return await _change(
        orders, scope, order_id, lambda change: hold_by_hand(change, reason, operator=operator)
    )


async def release(orders: Orders, scope: Scope, order_id: UUID, *, operator: bool = False) -> bool:
    """Releases an order; False when it was released before. Raises: Problem not_found, wrong_state,
    forbidden."""
    return await _change(
        orders, scope, order_id, lambda change: release_by_hand(change, operator=operator)
    )


async def bring_forward(orders: Orders, scope: Scope, order_id: UUID) -> bool:
    """Brings the next attempt forward; False when an attempt is due or out already. Raises: Problem
    not_found, wrong_state."""
    return await _change(orders, scope, order_id, lambda change: retry_now(change, orders.policy))


async def deal_with(orders: Orders, scope: Scope, order_id: UUID, seen: str = "") -> bool:
    """Settles what only people can; False when nothing needs somebody. Raises: Problem not_found,
    wrong_state."""
    return await _change(orders, scope, order_id, lambda change: deal_with_it(change, seen))


async def _change(orders: Orders, scope: Scope, order_id: UUID, work: Work) -> bool:
    key = (scope.merchant_id, order_id)
    return await orders.run(work, key, scope, cards=True)
