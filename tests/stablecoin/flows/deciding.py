"""What a person decides about money that came late."""

from typing import Any
from uuid import UUID

from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.refunds.flows.late import decide_late
from recoup.rescue.flows.locked import Orders


async def give_back(
    world: World, orders: Orders, scope: Scope, order_id: UUID, to_address: str | None = None
) -> None:
    await decide_late(world, orders, scope, order_id, "give_back", to_address=to_address)


async def settle_by_hand(orders: Orders, scope: Scope, order_id: UUID, note: str) -> None:
    await decide_late(_NOWHERE, orders, scope, order_id, "by_hand", note)


async def keep(orders: Orders, scope: Scope, order_id: UUID, note: str) -> None:
    await decide_late(_NOWHERE, orders, scope, order_id, "keep", note)


_NOWHERE: Any = None  # nothing is sent
