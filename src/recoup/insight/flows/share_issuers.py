"""Sharing of issuers' answers, once an hour, by whichever worker leases it: what they answered to
enough merchants becomes a fact for all."""

from datetime import timedelta
from typing import Final

from recoup.db.operation.upkeep import finish_upkeep, lease_upkeep
from recoup.insight.store.issuers import count_issuers
from recoup.kit.world import World

TASK: Final = "issuers"
EVERY: Final = timedelta(hours=1)
LEASED: Final = timedelta(minutes=10)


async def share_issuers(world: World) -> int:
    wall = world.clocks.wall()
    async with world.db.transaction() as tx:
        ours = await lease_upkeep(tx, TASK, until=wall + LEASED, now=wall, done_before=wall - EVERY)
    if ours:
        async with world.db.transaction() as tx:
            await count_issuers(tx, wall)
            await finish_upkeep(tx, TASK, wall)
    return 0
