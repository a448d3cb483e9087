"""Sharing of issuers' answers, once an hour, by whichever worker leases it: what they answered to
enough merchants becomes a fact for all."""

from typing import Final

from recoup.insight.store.issuers import count_issuers
from recoup.kit.upkeep import end_turn, take_turn
from recoup.kit.world import World

TASK: Final = "issuers"


async def share_issuers(world: World) -> int:
    wall = world.clocks.wall()
    if await take_turn(world, TASK):
        async with world.db.transaction() as tx:
            await count_issuers(tx, wall)
            await end_turn(tx, world, TASK, wall)
    return 0
