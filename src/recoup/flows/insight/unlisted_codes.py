"""Which codes and advices of the last weeks nobody here knows: each such decline was read without them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from recoup.flows.world import World
from recoup.kernel.ids import first_id_of
from recoup.store.insight.unlisted_codes import UnlistedCode, unlisted_codes

DAYS: Final = 30


async def read_unlisted(world: World, merchant_id: UUID) -> list[UnlistedCode]:
    """Few, and the most frequent first."""
    since = first_id_of(world.clocks.wall() - timedelta(days=DAYS))
    return await unlisted_codes(world.db, merchant_id, since)


async def count_unlisted(world: World, merchant_id: UUID, named: Mapping[str, Any]) -> dict[str, int]:
    """How many orders had that code, for a notification of it."""
    rows = await read_unlisted(world, merchant_id)
    same = (one.orders for one in rows if (one.scheme, one.kind, one.code) == tuple(named.values()))
    return {"orders": next(same, 1), "days": DAYS}
