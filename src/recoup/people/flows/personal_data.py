"""Access to customers' data: which roles see it; and somebody who wants to see one order's or
customer's, which is noted."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.audit.moves import note
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kernel.time import WallTime
from recoup.kit.personal import check_pii_access, pii_access_of
from recoup.kit.world import World
from recoup.merchants.store.merchants import load_merchant, set_pii_access
from recoup.merchants.store.sites import lock_merchant
from recoup.people.store.reveals import insert_reveal

LASTS: Final = timedelta(minutes=10)
KINDS: Final = ("order", "customer")


async def reveal(world: World, scope: Scope, kind: str, subject_id: UUID) -> None:
    """The scope's person sees this `order` or `customer` in the clear for a while; pressed again
    meanwhile it changes nothing. That their role may, and that it is the merchant's, is the door's
    to know."""
    assert kind in KINDS
    wall, person_id = world.clocks.wall(), UUID(scope.actor.behind or scope.actor.id)
    until = WallTime(wall + LASTS)
    async with world.db.transaction() as tx:
        if await insert_reveal(tx, scope.merchant_id, person_id, subject_id, until, wall):
            await note(tx, scope, wall, f"{kind}.revealed", subject_id)


async def change_pii_access(world: World, scope: Scope, role: str, pii_access: str) -> None:
    """Changes a role's access from the next page on. That it is an owner is the door's to know.
    Raises: Problem(invalid)."""
    check_pii_access(role, pii_access)
    async with world.db.transaction() as tx:
        await lock_merchant(tx, scope.merchant_id)
        known = await load_merchant(tx, scope.merchant_id)
        if known is None:
            raise Problem("not_found", "There is no such merchant.", "Check its id.")
        before = pii_access_of(role, known.merchant.sight)
        if before != pii_access:
            await set_pii_access(tx, scope.merchant_id, role, pii_access)
            facts = {"role": role, "sight": [before, pii_access]}
            await note(tx, scope, world.clocks.wall(), "sight.changed", "", facts)
