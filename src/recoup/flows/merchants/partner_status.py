"""How a partner's merchant stands: its sites, keys and endpoints, and which conditions of going live do not hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.flows.merchants.find_partner import no_such_merchant
from recoup.flows.world import World
from recoup.kernel.ids import first_id_of
from recoup.rules.merchants.onboarding import Condition, conditions
from recoup.store.merchants.merchant_keys import MerchantKey, keys_of
from recoup.store.merchants.merchants import Site, load_merchant
from recoup.store.merchants.onboarding import onboarding_facts
from recoup.store.merchants.partner_merchants import HookHealth, PartnerMerchantStatus, hooks_of, read_merchant

DELIVERED_WITHIN: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Status:
    """Rows as they were read; `missing`: what does not hold yet."""

    merchant: PartnerMerchantStatus
    sites: tuple[Site, ...]
    keys: Sequence[MerchantKey]
    hooks: Sequence[HookHealth]
    missing: tuple[Condition, ...]


async def read_status(world: World, partner_id: UUID, merchant_id: UUID) -> Status:
    """Raises: Problem(not_found), the same for another partner's merchant."""
    since = first_id_of(world.clocks.wall() - DELIVERED_WITHIN)
    async with world.db.connection() as connection:
        row = await read_merchant(connection, partner_id, merchant_id)
        known = await load_merchant(connection, merchant_id) if row is not None else None
        facts = await onboarding_facts(connection, merchant_id) if row is not None else None
        if row is None or known is None or facts is None:
            raise no_such_merchant()
        keys, hooks = await keys_of(connection, merchant_id), await hooks_of(connection, merchant_id, since)
    sites = tuple(site for site in known.sites if site.retired_at is None)
    missing = tuple(one for one in conditions(facts) if not one.holds)
    return Status(row, sites, keys, hooks, missing)


def health_of(hook: HookHealth) -> str:
    """new, ok, failing or disabled."""
    if hook.state != "active":
        return "disabled"
    if hook.last_result is None:
        return "new"
    return "ok" if hook.last_result == "delivered" else "failing"
