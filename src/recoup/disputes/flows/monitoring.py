"""Every three hours each merchant is counted for the networks' monitoring programmes; half of a
threshold is told once a month, and so is the whole."""

from datetime import UTC, date, datetime, time, timedelta
from operator import add
from typing import Final

import asyncpg
import structlog

from recoup.db.pool import retrying
from recoup.disputes.store.monitoring import KeptMonth, count_cases, count_sales, keep_months
from recoup.kernel.problem import in_words
from recoup.kernel.time import business_at
from recoup.kit.world import World
from recoup.networks.monitoring import MonthCount, month_before, standings
from recoup.notifications.moves import alert_of_programs
from recoup.notifications.store.rescue_watches import Watched, claim_monitoring

log = structlog.get_logger()
EVERY: Final = timedelta(hours=3)
AT_ONCE: Final = 50


async def watch_monitoring(world: World) -> int:
    """Counts the programmes of the merchants that are due; answers how many. The failure of one
    does not starve those after it."""
    wall = world.clocks.wall()
    due = await claim_monitoring(world.db.alone, wall, wall - EVERY, AT_ONCE)
    for row in due:
        try:
            await _watch(world, row)
        except asyncpg.PostgresError as error:
            log.warning(
                "programmes not counted", merchant=str(row.merchant_id), error=in_words(error)
            )
    return len(due)


async def _watch(world: World, due: Watched) -> None:
    wall = world.clocks.wall()
    now = business_at(wall, due.offset_us)
    month = now.astimezone(UTC).date().replace(day=1)
    counted = await _count(world, due, month_before(month), now)
    certain = [standing for standing in standings(counted, due.region) if standing.of.certain]
    kept = [
        KeptMonth(
            merchant_id=due.merchant_id,
            counted_at=wall,
            share=max((standing.share for standing in certain if standing.is_of(row)), default=0.0),
            **row._asdict(),
        )
        for row in counted
    ]

    async def once() -> None:
        async with world.db.transaction() as tx:
            await keep_months(tx, kept)
            alarming = (
                standing
                for standing in certain
                if standing.month == month and standing.state != "below"
            )
            await alert_of_programs(tx, due.merchant_id, alarming, wall)

    await retrying(once)


async def _count(world: World, due: Watched, since: date, now: datetime) -> list[MonthCount]:
    span = (due.merchant_id, datetime.combine(since, time(), UTC), now)
    sums: dict[tuple[str, str, date], MonthCount] = {}
    cases = [
        row._replace(acceptor_id=world.routes.acceptor_of(row.acceptor_id, due.acceptor_id))
        for row in await count_cases(world.db, *span)
    ]
    for row in [*await count_sales(world.db, *span), *cases]:
        before = sums.get(row[:3])
        sums[row[:3]] = (
            row if before is None else MonthCount(*row[:3], *map(add, before[3:], row[3:]))
        )
    return list(sums.values())
