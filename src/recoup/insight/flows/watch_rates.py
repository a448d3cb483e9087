"""Watch of each merchant's rescue rate, once an hour; a fall raises one alert, until the rate was
back.

Source: decision 0038.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from recoup.db.pool import retrying
from recoup.insight.store.rescue_rate import rescue_rates
from recoup.kernel.problem import in_words
from recoup.kernel.time import business_at
from recoup.kit.world import World
from recoup.notifications.moves import alert_of_rate
from recoup.notifications.store.rescue_watches import Watch, claim_watches

log = structlog.get_logger()
EVERY: Final = timedelta(hours=1)
AT_ONCE: Final = 50


async def watch_rates(world: World, merchant_id: UUID | None = None) -> int:
    """Watches the rates that are due; answers how many. The failure of one does not starve those
    after it."""
    wall = world.clocks.wall()
    due = await claim_watches(world.db.alone, wall, wall - EVERY, AT_ONCE, merchant_id)
    for row in due:
        try:
            await _watch(world, row)
        except asyncpg.PostgresError as error:
            log.warning(
                "rescue rate not counted", merchant=str(row.merchant_id), error=in_words(error)
            )
    return len(due)


async def _watch(world: World, due: Watch) -> None:
    wall = world.clocks.wall()
    async with world.db.connection() as connection:
        recent, before = await rescue_rates(
            connection, due.merchant_id, business_at(wall, due.offset_us)
        )

    async def once() -> None:
        async with world.db.transaction() as tx:
            await alert_of_rate(tx, due.merchant_id, recent, before, wall)

    await retrying(once)
