"""Destination of refunds, as features decide."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from recoup.kernel.feature import Place
from recoup.kernel.problem import Problem, invalid
from recoup.kit.world import World
from recoup.orders.moves.change import Change

NoteRefund = Callable[[Change, UUID], None]
RefundTo = Callable[[World, UUID, UUID, str | None], Awaitable[NoteRefund | Problem | None]]
REFUND_TO: Final = Place[RefundTo](
    "refund_to"
)  # notes where a refund goes, or says why there is none


async def destination(
    world: World, merchant_id: UUID, order_id: UUID, to_address: str | None
) -> NoteRefund | Problem | None:
    """The destination that a feature names for a refund; None: back the way it came."""
    for refund_to in REFUND_TO:
        named = await refund_to(world, merchant_id, order_id, to_address)
        if named is not None:
            return named
    if to_address is None:
        return None
    return invalid("This order's money goes back the way it came.", "to_address", "Leave it out.")
