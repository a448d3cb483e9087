"""Bounds of several merchants are back-tested too: at each of the merchants with the most orders,
by its own orders.

What comes of it is for whoever sets the bounds; the merchants' own lists do not have it.
"""

import asyncio
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from recoup.backtest.flows.backtest import first_behind
from recoup.backtest.flows.kept import put_and_make
from recoup.backtest.flows.questions import of_bounds
from recoup.backtest.rules.question import DAYS
from recoup.backtest.store import BacktestRow
from recoup.insight.store.judged import count_judged
from recoup.insight.store.past import merchants_to_learn
from recoup.kernel.frozen import frozen
from recoup.kit.world import World
from recoup.merchants.flows.cells import home_of, of_each
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.merchants.store.merchants import load_merchant
from recoup.policies.rules.terms import PolicyTerms
from recoup.policy_versions.flows.policies import Acting, at_merchant, read_standing
from recoup.policy_versions.flows.policy_scopes import Where

MERCHANTS_MAX: Final = 5
COUNTED_MAX: Final = 5_000  # orders of a merchant
_ranking: Final = asyncio.Lock()  # of a process: however many check, one connection counts


@frozen
class AtMerchant:
    """`row`: without figures while they are made; None: while others wait for theirs."""

    merchant_id: UUID
    name: str
    row: BacktestRow | None


class AtMerchants(NamedTuple):
    """Back-tests at merchants. `of`: how many merchants there are."""

    tried: list[AtMerchant]
    of: int


async def merchants_within(world: World, where: Where) -> list[UUID]:
    """Merchants whose orders of the last days the bounds are about, the one with the most first, as
    far as they are counted."""

    async def of_cell(cell: World) -> list[tuple[int, UUID]]:
        merchants = list[tuple[int, UUID]]()
        async with cell.db.connection() as connection:
            for merchant in await merchants_to_learn(connection):
                if where.scope == "partner" and merchant.owner != where.subject_id:
                    continue
                offset_us = await known_offset(connection, merchant.merchant_id)
                business = cell.clocks.business(offset_us)
                after = first_behind(business - timedelta(days=DAYS), offset_us)
                count = await count_judged(connection, merchant.merchant_id, after, COUNTED_MAX)
                if count:
                    merchants.append((-count, merchant.merchant_id))
        return merchants

    async with _ranking:
        return [merchant_id for _, merchant_id in sorted(await of_each(world, of_cell))]


async def try_bounds(world: World, scope: Acting, where: Where, terms: PolicyTerms) -> AtMerchants:
    """Back-tests the bounds on each merchant's orders; its own policies stay as they hold now."""
    merchants, number = (
        await merchants_within(world, where),
        (await read_standing(world, where)).number + 1,
    )
    tried = []
    for merchant_id in merchants[:MERCHANTS_MAX]:
        home = await home_of(world, merchant_id)
        question = await of_bounds(home, merchant_id, where, number, terms.to_plain())
        row = await put_and_make(home, at_merchant(merchant_id, scope), question)
        known = await load_merchant(home.db, merchant_id)
        assert known is not None
        tried.append(AtMerchant(merchant_id, known.merchant.name, row))
    return AtMerchants(tried, len(merchants))
