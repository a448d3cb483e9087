"""Whose endpoint it is: a merchant's, or that of a partner who hears of all its merchants."""

from uuid import UUID

import asyncpg

from recoup.kernel.scope import PartnerScope, Scope
from recoup.store.write.partners import lock_partner
from recoup.store.write.sites import lock_merchant

Owner = Scope | PartnerScope


def owner_id(owner: Owner) -> UUID:
    return owner.merchant_id if isinstance(owner, Scope) else owner.partner_id


def key_context(owner: Owner) -> str:
    """Under which its signing keys are sealed."""
    return f"webhook:{owner_id(owner)}"


async def lock_owner(tx: asyncpg.Connection, owner: Owner) -> None:
    """Its endpoints are made one by one until the transaction ends."""
    if isinstance(owner, Scope):
        await lock_merchant(tx, owner.merchant_id)
    else:
        await lock_partner(tx, owner.partner_id)
