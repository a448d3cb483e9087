"""Sharing of issuers' answers, once an hour, by whichever worker leases it: what they answered to
enough merchants becomes a fact for all."""

from typing import Final

from recoup.insight.rules.shared_issuers import shared
from recoup.insight.store.issuers import ISSUERS_MAX, count_issuers, owners_answers, save_issuers
from recoup.kernel.time import iso
from recoup.kit.upkeep import end_turn, take_turn
from recoup.kit.world import World
from recoup.merchants.flows.cells import of_each

TASK: Final = "issuers"


async def share_issuers(world: World) -> int:
    wall = world.clocks.wall()
    if world is world.every[0] and await take_turn(world, TASK):
        rows = None
        if world.cells:
            answers = await of_each(world, lambda cell: owners_answers(cell.db))
            rows = [row | {"counted_at": iso(wall)} for row in shared(answers, ISSUERS_MAX)]
        async with world.db.transaction() as tx:
            if rows is None:
                await count_issuers(tx, wall)
            else:
                await save_issuers(tx, rows)
            await end_turn(tx, world, TASK, wall)
    return 0
