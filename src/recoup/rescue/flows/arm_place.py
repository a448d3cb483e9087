"""A customer's place in the line of all a merchant's customers, by which arms are assigned."""

from uuid import UUID

from recoup.kit.world import World
from recoup.terms.rules.arm_terms import place_of


def arm_place(world: World, merchant_id: UUID, who: UUID) -> int:
    """The place of a customer for the arm. `who`: the payer, or the card of an order without
    one."""
    return place_of(world.keys.mac("rescue-arm", merchant_id.bytes + who.bytes))
