"""A partner of this world, and the merchants that are its own."""

from uuid import UUID

from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.merchants.store.partners import Partner, find_partner, is_own_merchant


async def read_partner(world: World, partner_id: UUID) -> Partner:
    """Raises: Problem(forbidden) for a partner that this world does not have."""
    partner = await find_partner(world.db, partner_id)
    if partner is None:
        raise Problem(
            "forbidden",
            "This partner does not exist in this environment.",
            cure="Use a key of this environment.",
        )
    return partner


async def own_merchant(world: World, partner_id: UUID, merchant_id: UUID | None) -> UUID:
    """The merchant, when it is this partner's.

    Raises: Problem(not_found), the same for another partner's merchant and for one that nobody has.
    """
    if merchant_id is None or not await is_own_merchant(world.db, partner_id, merchant_id):
        raise no_such_merchant()
    return merchant_id


def no_such_merchant() -> Problem:
    return Problem("not_found", "There is no such merchant.", cure="See GET /v1/partner/merchants.")
