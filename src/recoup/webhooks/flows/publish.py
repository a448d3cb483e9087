"""Events that are committed get their place in the feed, and lanes to the endpoints that want
them."""

from uuid import UUID

from recoup.db.pool import retrying
from recoup.kit.world import World
from recoup.orders.flows.each import each
from recoup.orders.store.closer import feed_events, lock_closer, merchants_with_events

EVENTS_MAX = 2000


async def publish_all(world: World) -> int:
    """Every merchant that has new events; answers how many events."""
    merchants = await merchants_with_events(world.db)
    return await each(merchants, lambda merchant_id: publish(world, merchant_id))


async def publish(world: World, merchant_id: UUID) -> int:
    async def once() -> int:
        async with world.db.transaction() as tx:
            if not await lock_closer(tx, merchant_id):
                return 0
            return await feed_events(tx, merchant_id, EVENTS_MAX, world.clocks.wall())

    return await retrying(once)
