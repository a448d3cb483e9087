"""Partners' feeds go on behind those of their merchants. A crash in between is made good at the
next round."""

from uuid import UUID

from recoup.db.pool import retrying
from recoup.kit.world import World
from recoup.merchants.store.partners import partner_of
from recoup.orders.flows.each import each
from recoup.webhooks.store.partner_feed import feed_partner, partners_behind

EVENTS_MAX = 2000


async def publish_partners(world: World) -> int:
    """Every partner whose merchants have new events; answers how many events."""
    partners = await partners_behind(world.db)
    return await each(partners, lambda partner_id: publish_partner(world, partner_id))


async def publish_partner(world: World, partner_id: UUID) -> int:
    async def once() -> int:
        async with world.db.transaction() as tx:
            return await feed_partner(tx, partner_id, EVENTS_MAX)

    return await retrying(once)


async def publish_for(world: World, merchant_id: UUID) -> None:
    """The feed of the merchant's partner, if it has one, up to its newest event."""
    partner_id = await partner_of(world.db, merchant_id)
    while partner_id is not None and await publish_partner(world, partner_id):
        pass
