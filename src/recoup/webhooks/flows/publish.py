"""Events that are committed get their place in the feed, and lanes to the endpoints that want them.
Partners' feeds go on behind those of their merchants; a crash in between is made good at the next
round.

The pull feed: a merchant without webhooks reads every event by its number, from the first if need
be."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from recoup.db.pool import retrying
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Sentence, invalid
from recoup.kernel.scope import PartnerScope
from recoup.kit.world import World
from recoup.merchants.flows.cells import check_known
from recoup.merchants.store.partners import partner_of
from recoup.orders.flows.each import each
from recoup.orders.rules.events import CATALOGUE, Event
from recoup.orders.store.closer import feed_events, lock_closer, merchants_with_events
from recoup.people.flows.owner import Owner, owner_id
from recoup.webhooks.flows.deliver import Deliveries
from recoup.webhooks.flows.post import event_of
from recoup.webhooks.store.feed import feed_page, last_number
from recoup.webhooks.store.partner_feed import (
    feed_partner,
    last_partner_number,
    partner_feed_page,
    partners_behind,
)

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


async def publish_now(world: World, deliveries: Deliveries, merchant_id: UUID) -> int:
    """Answers how many events were published."""
    published = await publish(world, merchant_id)
    await publish_for(world, merchant_id)
    while await deliveries.claim(merchant_id=merchant_id):
        await deliveries.drain()
    return published


LIMIT_MAX: Final = 500
SCANNED_MAX: Final = 20_000  # numbers that one call looks through for the requested events


@frozen
class Page:
    """Events with their numbers. `next`: hand it back as `after`; nothing at or below it comes
    later."""

    events: list[tuple[int, Event]]
    next: int
    has_more: bool


async def read_feed(
    world: World, owner: Owner, after: int, limit: int, names: Sequence[str]
) -> Page:
    """A merchant's feed, or a partner's over all its merchants. Lowest number first. With `names`
    only those events, and a page may be short although there are more.

    Raises: Problem(invalid) naming after or event.
    """
    unknown = next((name for name in names if name not in CATALOGUE), None)
    if unknown is not None:
        cure = "Events are: " + ", ".join(CATALOGUE) + "."
        raise invalid(Sentence("Unknown event {0}.", repr(unknown[:64])), "Event", cure)
    whose, partner = owner_id(owner), isinstance(owner, PartnerScope)
    async with world.db.connection() as connection:
        last = await (last_partner_number if partner else last_number)(connection, whose)
        if after > last:
            raise invalid(
                Sentence("The feed ends at {0}: no answer has returned {1}.", last, after),
                "After",
                "Hand back the `next` of the last answer; after=0 is the beginning.",
            )
        until = min(last, after + SCANNED_MAX) if names else last
        rows = []
        if not partner:
            rows = await feed_page(connection, whose, after, until, names or None, limit)
    if partner:
        cells = [cell.db for cell in world.every]
        rows, all_seen = await partner_feed_page(cells, whose, after, until, names or None, limit)
        if not all_seen:
            await check_known(world)
    events = [(row.number, event_of(row, row.seq, world.policy.test_mode)) for row in rows]
    reached = events[-1][0] if len(events) == limit else until
    return Page(events, reached, reached < last)
