"""Events that are committed get their place in the feed, and lanes to the endpoints that want them."""

from uuid import UUID

from recoup.flows.each import each
from recoup.flows.world import World
from recoup.store.orders.closer import feed_events, lock_closer, merchants_with_events
from recoup.store.pool import retrying

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
