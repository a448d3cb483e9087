"""A period is over and its settlement made: an event says that the reconciliation report can be fetched. Once a
period, whatever dies; several periods one after the other."""

from uuid import UUID

from recoup.flows.world import World
from recoup.kernel.time import business_at
from recoup.moves.settlement.report import ready_at, tell_report, wait_for
from recoup.rules.money.as_of import Window
from recoup.store.money.movements import FEES, open_differences, totals
from recoup.store.money.reports import lock_clock
from recoup.store.money.settlement import period_of
from recoup.store.pool import retrying


async def report_ready(world: World, merchant_id: UUID) -> UUID | None:
    """Due work `reconciliation`: the report that was announced. None before its time, or when nothing moved."""

    async def once() -> UUID | None:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            clock = await lock_clock(tx, merchant_id)
            if clock is None:
                return None
            now = business_at(wall, clock.offset_us)
            period_to, terms = await period_of(tx, merchant_id, clock.period_from)
            if now < ready_at(terms, period_to):
                await wait_for(tx, merchant_id, ready_at(terms, period_to))
                return None
            period = (clock.period_from, period_to)
            lines = sum(row.entries for row in await totals(tx, merchant_id, Window(*period)) if row.recipe not in FEES)
            differences = await open_differences(tx, merchant_id, period)
            report_id = await tell_report(tx, merchant_id, period, lines, differences, now=now, wall=wall)
            next_to, later = await period_of(tx, merchant_id, period_to)
            await wait_for(tx, merchant_id, ready_at(later, next_to))
            return report_id

    return await retrying(once)
