"""Bounds of several merchants are back-tested too: each of the largest merchants' own orders under them.

It takes minutes where there is much history: it is for the command, which waits, and nothing of it is kept.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.flows.backtests.questions import decider_of
from recoup.flows.insight.backtest import Backtest, Places, backtest_policy, first_behind, target_named
from recoup.flows.merchant_cache import known_offset
from recoup.flows.merchants.policies import holding_inside, read_standing
from recoup.flows.merchants.policy_scopes import Where, where_of
from recoup.flows.world import World
from recoup.rules.backtest.question import DAYS
from recoup.rules.policies.in_force import InForce, Part
from recoup.rules.policies.terms import SCOPES, PolicyTerms
from recoup.store.insight.judged import count_judged
from recoup.store.insight.past import merchants_to_learn
from recoup.store.merchants.merchants import load_merchant

MERCHANTS_MAX: Final = 5
ORDERS_EACH_MAX: Final = 5_000  # of each; of more a sample of customers with a fixed seed


@dataclass(frozen=True, slots=True)
class UnderBounds:
    """What one merchant's orders of the last days would have brought under the bounds."""

    merchant_id: UUID
    name: str
    backtest: Backtest


async def merchants_within(world: World, where: Where) -> list[UUID]:
    """Whose orders of the last days the bounds are about, the merchant with the most first. Counts go up to
    `ORDERS_EACH_MAX`, so that nothing waits for a merchant of millions."""
    found = list[tuple[int, UUID]]()
    async with world.db.connection() as connection:
        for one in await merchants_to_learn(connection):
            if where.scope == "partner" and one.owner != where.subject_id:
                continue
            offset_us = await known_offset(connection, one.merchant_id)
            after = first_behind(world.clocks.business(offset_us) - timedelta(days=DAYS), offset_us)
            count = await count_judged(connection, one.merchant_id, after, ORDERS_EACH_MAX)
            if count:
                found.append((-count, one.merchant_id))
    return [merchant_id for _, merchant_id in sorted(found)]


async def under_bounds(
    world: World, where: Where, number: int, terms: PolicyTerms, merchants: list[UUID]
) -> AsyncIterator[UnderBounds]:
    """`number`: of the version that the lines would be. Each merchant's own policies stay as they hold now."""
    bound = Part(where.scope, str(where.subject_id) if where.scope == "partner" else "", number, terms)
    for merchant_id in merchants[:MERCHANTS_MAX]:
        own = await where_of(world, merchant_id)
        standing = await read_standing(world, own)
        held = standing.whole.parts if standing.whole is not None else ()
        parts = [part for part in held if part.scope != where.scope]
        whole = tuple(sorted([*parts, bound], key=lambda part: SCOPES.index(part.scope)))
        inside = (await holding_inside(world, own)).items()
        places = Places(None, {place: InForce((*whole, *inner)) for place, inner in inside})
        decider = await decider_of(world, merchant_id, by_settings=True)
        target = await target_named(world, merchant_id, decider, InForce(whole))
        found = await backtest_policy(world, merchant_id, target, groups=False, places=places, at_most=ORDERS_EACH_MAX)
        async with world.db.connection() as connection:
            known = await load_merchant(connection, merchant_id)
        assert known is not None
        yield UnderBounds(merchant_id, known.merchant.name, found)
