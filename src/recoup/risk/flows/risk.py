"""Settings by which the risk is judged where a merchant's customers wait. They are about payments
that come from now on."""

from dataclasses import asdict, replace
from uuid import UUID

from recoup.audit import moves as audit
from recoup.audit.rules import changes
from recoup.kernel.frozen import frozen
from recoup.kernel.scope import Scope
from recoup.kit.terms import changed, values
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import no_such_merchant
from recoup.merchants.store.merchants import load_merchant
from recoup.merchants.store.sites import lock_merchant, raise_version
from recoup.terms.rules.terms import RiskMode, RiskTerms, check_risk_terms
from recoup.terms.store.risk_settings import RiskSettings, add_risk_settings, risk_settings


@frozen
class RiskChange:
    """A change of the risk settings; None leaves a field as it is. Percents."""

    mode: RiskMode | None = None
    share: int | None = None
    holdout: int | None = None
    margin: int | None = None


async def newest_risk(world: World, merchant_id: UUID) -> RiskSettings | None:
    """The newest risk settings, with who changed them last; None where nobody ever did."""
    return await risk_settings(world.db, merchant_id)


async def set_risk(world: World, scope: Scope, change: RiskChange) -> RiskTerms:
    """Raises: Problem(invalid) naming the field; Problem(not_found) for the merchant."""
    async with world.db.transaction() as tx:
        await lock_merchant(tx, scope.merchant_id)
        known = await load_merchant(tx, scope.merchant_id)
        if known is None:
            raise no_such_merchant()
        before = known.risk
        after = check_risk_terms(changed(before, asdict(change)))
        if after == before:
            return before
        wall = world.clocks.wall()
        after = replace(after, version=await raise_version(tx, scope.merchant_id))
        await add_risk_settings(tx, scope.merchant_id, wall, scope.actor.text(), after)
        noted = changes(values(before), values(after))
        await audit.note(tx, scope, wall, "risk.changed", "", noted)
    return after
