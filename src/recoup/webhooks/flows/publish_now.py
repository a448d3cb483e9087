"""Publishing for a moved clock: a merchant's committed events into the feed, and for each its first
delivery attempt."""

from uuid import UUID

from recoup.kit.world import World
from recoup.webhooks.flows.deliver import Deliveries
from recoup.webhooks.flows.publish import publish
from recoup.webhooks.flows.publish_partners import publish_for


async def publish_now(world: World, deliveries: Deliveries, merchant_id: UUID) -> int:
    """Answers how many events were published."""
    published = await publish(world, merchant_id)
    await publish_for(world, merchant_id)
    while await deliveries.claim(merchant_id=merchant_id):
        await deliveries.drain()
    return published
