"""The pull feed: a merchant without webhooks reads every event by its number, from the first if
need be."""

from collections.abc import Sequence
from typing import Final

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Sentence, invalid
from recoup.kernel.scope import PartnerScope
from recoup.kit.world import World
from recoup.orders.rules.events import CATALOGUE, Event
from recoup.people.flows.owner import Owner, owner_id
from recoup.webhooks.flows.post import event_of
from recoup.webhooks.store.feed import feed_page, last_number
from recoup.webhooks.store.partner_feed import last_partner_number, partner_feed_page

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
        page = partner_feed_page if partner else feed_page
        rows = await page(connection, whose, after, until, names or None, limit)
    events = [(row.number, event_of(row, row.seq, world.policy.test_mode)) for row in rows]
    reached = events[-1][0] if len(events) == limit else until
    return Page(events, reached, reached < last)
