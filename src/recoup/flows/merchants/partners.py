"""Partners: their account and keys. Everything may be repeated."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.world import World
from recoup.store.read.partners import Partner, find_partner, is_own_merchant
from recoup.store.write.partners import (
    add_partner,
    add_partner_key,
    lock_partner,
    retire_partner_keys,
    revoke_partner_keys,
)

KEY_PREFIX = "ppk_"
SCOPES = ("partner",)


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """Shown once."""

    app_key: str
    app_secret: str = field(repr=False)
    key_id: UUID


async def make_partner(world: World, partner_id: UUID, name: str) -> None:
    """The partner in this world; a second time it changes nothing."""
    async with world.db.transaction() as tx:
        await add_partner(tx, partner_id, name, world.clocks.wall())


async def make_partner_key(
    world: World, partner_id: UUID, overlap: timedelta = timedelta(0)
) -> PartnerKey:
    """A new key; earlier ones end now, or after the overlap."""
    mode, wall = "test" if world.policy.test_mode else "live", world.clocks.wall()
    key = PartnerKey(f"{KEY_PREFIX}{mode}_{secrets.token_urlsafe(18)}", f"psk_{mode}_{secrets.token_urlsafe(36)}",
                     new_id())  # fmt: skip
    async with world.db.transaction() as tx:
        await lock_partner(tx, partner_id)  # of two at once the second ends the first one's key
        if overlap:
            await retire_partner_keys(tx, partner_id, wall + overlap)
        else:
            await revoke_partner_keys(tx, partner_id, wall)
        kept = world.keys.secret_hash(key.app_secret)
        await add_partner_key(tx, key.app_key, key.key_id, partner_id, kept, list(SCOPES), wall)
    return key


async def read_partner(world: World, partner_id: UUID) -> Partner:
    """Raises: Problem(forbidden) for a partner that this world does not have."""
    async with world.db.connection() as connection:
        found = await find_partner(connection, partner_id)
    if found is None:
        raise Problem("forbidden", "This partner does not exist in this environment.",
                      cure="Use a key of this environment.")  # fmt: skip
    return found


async def own_merchant(world: World, partner_id: UUID, merchant_id: UUID | None) -> UUID:
    """The merchant, when it is this partner's.

    Raises: Problem(not_found), the same for another partner's merchant and for one that nobody has.
    """
    async with world.db.connection() as connection:
        if merchant_id is None or not await is_own_merchant(connection, partner_id, merchant_id):
            raise no_such_merchant()
    return merchant_id


def no_such_merchant() -> Problem:
    return Problem("not_found", "There is no such merchant.", cure="See GET /v1/partner/merchants.")
