"""A partner switches kinds of orders at many of its merchants. Each is done by itself: one that
cannot be switched, or is another's, keeps no other from it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kernel.scope import PartnerScope, Scope
from recoup.kit.world import World
from recoup.merchants.flows.cells import home_of
from recoup.merchants.store.partners import own_merchants_among
from recoup.switches.flows.switches import MERCHANT, change


@frozen
class Result:
    """`changed`: the kinds that were; `word`: changed, unchanged, not_found, forbidden or
    unavailable."""

    merchant_id: UUID
    word: str
    changed: tuple[str, ...] = ()
    reason: str | None = None


async def switch_many(
    world: World, scope: PartnerScope, mids: Sequence[UUID], wanted: Mapping[str, bool], why: str
) -> list[Result]:
    """Switches many merchants; one result for each, in their order, each once. `wanted`: kind ->
    on.

    Raises: Problem(invalid) for a reason that is too long; Problem(unavailable) before anything was
    done.
    """
    merchant_ids = list(dict.fromkeys(mids))
    own = await own_merchants_among(world.db, scope.partner_id, merchant_ids)
    results = []
    for merchant_id in merchant_ids:
        if merchant_id not in own:
            results.append(Result(merchant_id, "not_found", reason="There is no such merchant."))
            continue
        merchant_scope = Scope(merchant_id, scope.actor, scope.request_id)
        results.append(await _switch(world, merchant_scope, wanted, why))
    return results


async def _switch(world: World, scope: Scope, wanted: Mapping[str, bool], why: str) -> Result:
    changed: list[str] = []
    try:
        for kind, on in wanted.items():
            home = await home_of(world, scope.merchant_id)
            if (await change(home, scope, MERCHANT, kind, on, why)).changed:
                changed.append(kind)
    except Problem as problem:
        if problem.code not in ("forbidden", "not_found", "unavailable"):
            raise
        return Result(scope.merchant_id, problem.code, tuple(changed), problem.sentence())
    return Result(scope.merchant_id, "changed" if changed else "unchanged", tuple(changed))
