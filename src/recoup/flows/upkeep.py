"""The database is kept up by whichever worker leases it: partitions ahead of time, old records dropped in time."""

from datetime import timedelta
from typing import Final

from recoup.flows.world import World
from recoup.store.operation.upkeep import finish_upkeep, lease_upkeep
from recoup.store.upkeep import keep_up, may_keep_up

TASK: Final = "partitions"
EVERY: Final = timedelta(hours=1)
LEASED: Final = timedelta(minutes=10)


async def upkeep(world: World) -> int:
    """Once an hour over all workers; one that dies meanwhile is followed by another. A worker that has no log-in of the
    schema's owner leaves it to others."""
    owner = world.owner_dsn
    if not owner or not await may_keep_up(owner):
        return 0
    now = world.clocks.wall()
    async with world.db.transaction() as tx:
        ours = await lease_upkeep(tx, TASK, until=now + LEASED, now=now, done_before=now - EVERY)
    if ours:
        await keep_up(owner, now)
        async with world.db.transaction() as tx:
            await finish_upkeep(tx, TASK, world.clocks.wall())
    return 0
