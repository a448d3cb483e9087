"""A person's role at a merchant now."""

from typing import Final
from uuid import UUID

from recoup.kit.rights import MAY
from recoup.kit.world import World
from recoup.merchants.store.partners import find_partner
from recoup.people.store.people import is_active, reachable

NOBODY: Final[frozenset[str]] = frozenset()


async def role_who_may(world: World, user_id: UUID, merchant_id: UUID, action: str) -> str | None:
    """Their role, when it may do `action` there now; a paused partner's membership counts for
    nothing."""
    seats = await reachable(world.people, user_id, world.name, merchant_id=merchant_id)
    active = await is_active(world.people, user_id)
    if not seats or not active:
        return None
    role: str | None = seats[0].role
    if seats[0].partner_id:
        partner = await find_partner(world.db, seats[0].partner_id)
        if partner and partner.state != "active":
            role = seats[0].own_role
    return role if role is not None and action in MAY.get(role, NOBODY) else None
