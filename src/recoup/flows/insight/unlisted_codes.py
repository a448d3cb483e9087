"""Which codes and advices of the last weeks nobody here knows: each such decline was read without them."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.flows.world import World
from recoup.kernel.ids import first_id_of
from recoup.store.insight.unlisted_codes import UnlistedCode, unlisted_codes

DAYS: Final = 30


async def read_unlisted(world: World, merchant_id: UUID) -> list[UnlistedCode]:
    """Few, and the most frequent first."""
    since = first_id_of(world.clocks.wall() - timedelta(days=DAYS))
    return await unlisted_codes(world.db, merchant_id, since)
