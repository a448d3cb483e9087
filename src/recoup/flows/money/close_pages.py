"""Committed postings are sealed into pages: chained roots, sums, positions, balances."""

from uuid import UUID

from recoup.flows.each import each
from recoup.flows.world import World
from recoup.store.orders.closer import close_page, lock_closer, merchants_with_postings
from recoup.store.pool import retrying

POSTINGS_MAX = 20_000


async def close_pages(world: World) -> int:
    """Answers how many postings were sealed."""
    async with world.db.connection() as connection:
        merchants = await merchants_with_postings(connection)
    return await each(merchants, lambda merchant_id: close_pages_of(world, merchant_id))


async def close_pages_of(world: World, merchant_id: UUID) -> int:
    async def once() -> int:
        async with world.db.transaction() as tx:
            if not await lock_closer(tx, merchant_id):
                return 0
            return await close_page(tx, merchant_id, POSTINGS_MAX, world.clocks.wall())

    return await retrying(once)
