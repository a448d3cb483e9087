"""Whether another card of the same customer is tried where an order's own card is dead; off until it is wanted."""

from uuid import UUID

from recoup.flows.merchant_cache import known_offset
from recoup.flows.world import World
from recoup.kernel.scope import Scope
from recoup.moves.audit import note
from recoup.rules.rescue.other_card import SWITCH
from recoup.store.messages.mails import notice_settings, switch_notice


async def tries_other_cards(world: World, merchant_id: UUID) -> bool:
    async with world.db.connection() as connection:
        return (await notice_settings(connection, merchant_id)).get(SWITCH, False)


async def switch_other_cards(world: World, scope: Scope, enabled: bool) -> bool:
    """For declines from now on. Raises: Problem(not_found)."""
    wall = world.clocks.wall()
    async with world.db.transaction() as tx:
        await known_offset(tx, scope.merchant_id)
        before = (await notice_settings(tx, scope.merchant_id)).get(SWITCH, False)
        if before is not enabled:
            await switch_notice(tx, scope.merchant_id, SWITCH, enabled, scope.actor.text(), wall)
            await note(tx, scope, wall, "order.other_cards", "", {"sent": [before, enabled]})
    return enabled
