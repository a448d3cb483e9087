"""Whether another card of the same customer is tried where an order's own card is dead; off until it is wanted."""

from uuid import UUID

from recoup.flows.merchants.card_switches import card_switches, set_card_switches
from recoup.flows.world import World
from recoup.kernel.scope import Scope


async def tries_other_cards(world: World, merchant_id: UUID) -> bool:
    return (await card_switches(world, merchant_id))["other_cards"]


async def switch_other_cards(world: World, scope: Scope, enabled: bool) -> bool:
    """For declines from now on. Raises: Problem(not_found)."""
    return (await set_card_switches(world, scope, {"other_cards": enabled}))["other_cards"]
