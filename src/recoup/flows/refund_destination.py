"""Where money that is given back goes, as features say."""

from typing import TYPE_CHECKING
from uuid import UUID

from recoup.core.kit.feature import features
from recoup.flows.world import World
from recoup.kernel.problem import Problem, invalid

if TYPE_CHECKING:
    from recoup.core.kit.feature import NoteRefund


async def destination(
    world: World, merchant_id: UUID, order_id: UUID, to_address: str | None
) -> "NoteRefund | Problem | None":
    """What a feature says of where it goes; None: back the way it came."""
    for one in features():
        found = await one.refund_to(world, merchant_id, order_id, to_address) if one.refund_to is not None else None
        if found is not None:
            return found
    if to_address is None:
        return None
    return invalid("This order's money goes back the way it came.", "to_address", "Leave it out.")
