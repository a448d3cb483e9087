"""A merchant's period is over and its delay has passed: one batch an asset, once, whatever dies.

Everything that is committed is sealed into pages first. All batches of the period, the clock and
the next period's due work are one transaction, under the lock of the merchant's settlement clock. A
payout of one that came back is requested anew.
"""

import asyncio
from typing import Final
from uuid import UUID

from recoup.audit.moves import note
from recoup.audit.rules import amount
from recoup.bank.moves import begin_payout
from recoup.bank.store.accounts import last_payout
from recoup.db.pool import retrying
from recoup.db.statement import Tx
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Scope
from recoup.kernel.time import WallTime, business_at
from recoup.kit.world import World
from recoup.orders.flows.each import each
from recoup.orders.moves.due import done_with
from recoup.orders.store.closer import close_page, lock_closer, merchants_with_postings
from recoup.settlement.moves.batch import Period, next_settlement, release_reserve, settle_batch
from recoup.settlement.store.batches import find_batch, is_released
from recoup.settlement.store.settlement import (
    is_unsealed,
    last_page,
    lock_clock,
    open_from,
    payable_assets,
)
from recoup.terms.rules.settlement import due_at
from recoup.terms.store.settlement_terms import period_of, terms_before

POSTINGS_MAX = 20_000


async def close_pages(world: World) -> int:
    """Answers how many postings were sealed."""
    merchants = await merchants_with_postings(world.db)
    return await each(merchants, lambda merchant_id: close_pages_of(world, merchant_id))


async def close_pages_of(world: World, merchant_id: UUID) -> int:
    async def once() -> int:
        async with world.db.transaction() as tx:
            if not await lock_closer(tx, merchant_id):
                return 0
            return await close_page(tx, merchant_id, POSTINGS_MAX, world.clocks.wall())

    return await retrying(once)


SEAL_TRIES: Final = 200
SEAL_PAUSE_SECONDS: Final = 0.02


async def settle_merchant(world: World, merchant_id: UUID) -> list[UUID]:
    """Due work `settlement`: the batches that were made. None before the period's due time; then it
    is due again."""
    await _seal(world, merchant_id)

    async def once() -> list[UUID]:
        async with world.db.transaction() as tx:
            return await _settle(tx, merchant_id, world.clocks.wall())

    return await retrying(once)


async def _settle(tx: Tx, merchant_id: UUID, wall: WallTime) -> list[UUID]:
    clock = await lock_clock(tx, merchant_id)
    if clock is None:
        return []
    now = business_at(wall, clock.offset_us)
    period_to, terms = await period_of(tx, merchant_id, clock.period_from)
    if now < due_at(terms, period_to):
        await next_settlement(tx, merchant_id, due_at(terms, period_to))
        return []
    history = await terms_before(tx, merchant_id, period_to)
    period = Period(clock.period_from, period_to, *await last_page(tx, merchant_id), history)
    made = []
    for asset in await payable_assets(tx, merchant_id):
        first = await open_from(tx, merchant_id, asset)
        batch_id = await settle_batch(
            tx, merchant_id, asset, first, period, terms, now=now, wall=wall
        )
        if batch_id is not None:
            made.append(batch_id)
    next_to, later = await period_of(tx, merchant_id, period_to)
    await next_settlement(tx, merchant_id, due_at(later, next_to), period_from=period_to)
    return made


async def _seal(world: World, merchant_id: UUID) -> None:
    """Waits, not for ever, for another process that closes pages: what it leaves open goes to the
    next batch."""
    begun = world.clocks.wall()
    for _ in range(SEAL_TRIES):
        if await close_pages_of(world, merchant_id):
            continue
        if not await is_unsealed(world.db, merchant_id, begun):
            return
        await asyncio.sleep(SEAL_PAUSE_SECONDS)


async def release(world: World, merchant_id: UUID, batch_id: UUID) -> None:
    """Due work `reserve`: what the batch held is available to the next one."""

    async def once() -> None:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            clock = await lock_clock(tx, merchant_id)
            batch = await find_batch(tx, merchant_id, batch_id)
            if clock is None or batch is None or await is_released(tx, merchant_id, batch_id):
                await done_with(tx, merchant_id, "reserve", batch_id)
                return
            await release_reserve(tx, batch, now=business_at(wall, clock.offset_us), wall=wall)

    await retrying(once)


async def pay_again(world: World, scope: Scope, batch_id: UUID) -> UUID:
    """A payout that came back is requested anew; somebody else approves it.

    Raises: Problem not_found; wrong_state while another of the batch is under way or paid.
    """

    async def once() -> UUID:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            clock = await lock_clock(tx, scope.merchant_id)
            last = await last_payout(tx, scope.merchant_id, batch_id)
            if clock is None or last is None:
                raise Problem("not_found", "This settlement has no payout.", cure="Check the id.")
            if last.state != "returned":
                message = Sentence(
                    "The payout of this settlement is {0}; only one that came back is paid again.",
                    last.state,
                )
                raise Problem("wrong_state", message, cure="Wait until it is finished.")
            made = await begin_payout(
                tx,
                scope.merchant_id,
                batch_id,
                last.asset,
                last.units,
                scope.actor.text(),
                period_to=last.period_to,
                now=business_at(wall, clock.offset_us),
                wall=wall,
                payout_no=last.payout_no + 1,
            )
            details = {"payout": str(made), "amount": amount(last.units, last.asset)}
            await note(tx, scope, wall, "payout.asked_again", batch_id, details)
            return made

    return await retrying(once)
