"""Settings by which the risk is judged where a merchant's customers wait. They are about payments
that come from now on."""

from dataclasses import asdict, dataclass, replace
from uuid import UUID

from recoup.audit import moves as audit
from recoup.audit.rules import changes
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import no_such_merchant
from recoup.merchants.store.merchants import load_merchant
from recoup.merchants.store.sites import lock_merchant, raise_version
from recoup.terms.rules.terms import RiskMode, RiskTerms, check_risk_terms
from recoup.terms.store.risk_settings import (
    NewRiskSettings,
    RiskSettings,
    add_risk_settings,
    risk_settings,
)


@dataclass(frozen=True, slots=True)
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
        given = {name: value for name, value in asdict(change).items() if value is not None}
        after = check_risk_terms(replace(before, **given))
        if after == before:
            return before
        after, wall = (
            replace(after, version=await raise_version(tx, scope.merchant_id)),
            world.clocks.wall(),
        )
        row = NewRiskSettings(
            merchant_id=scope.merchant_id,
            **asdict(after),
            changed_at=wall,
            changed_by=scope.actor.text(),
        )
        await add_risk_settings(tx, row)
        noted = [
            {name: value for name, value in asdict(one).items() if name != "version"}
            for one in (before, after)
        ]
        await audit.note(tx, scope, wall, "risk.changed", "", changes(*noted))
    return after
