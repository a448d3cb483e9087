"""Each hour what the taken model expected is held against what came, merchant by merchant; that it
fits no more is told once for each model."""

from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import structlog

from recoup.db.pool import retrying
from recoup.insight.store.drift import count_drift
from recoup.insight.store.past import merchants_to_learn
from recoup.kernel.ids import first_id_of
from recoup.kernel.problem import in_words
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.merchants.flows.cells import of_each
from recoup.notifications.moves import alert_of_drift
from recoup.notifications.rules.drift import DAYS, NOTHING, Counted, Verdict
from recoup.notifications.store.rescue_watches import claim_drift_watches
from recoup.rescue.store.models import last_choice

log = structlog.get_logger()
EVERY: Final = timedelta(hours=1)
AT_ONCE: Final = 50


class Drift(NamedTuple):
    """Drift of the model, of all merchants together."""

    model: str
    days: int
    tries: int
    expected: float
    approved: int
    verdict: Verdict


async def drift_of(world: World, model: str) -> Drift:
    """Drift of the model's attempts in the last four weeks."""
    since, drift = _since(world.clocks.wall()), NOTHING

    async def of_cell(cell: World) -> list[Counted]:
        async with cell.db.connection() as connection:
            return [
                await count_drift(connection, merchant.merchant_id, since, model)
                for merchant in await merchants_to_learn(connection)
            ]

    for counted in await of_each(world, of_cell):
        drift = drift.plus(counted)
    return Drift(model, DAYS, drift.tries, drift.expected, drift.approved, drift.verdict)


async def calibration_of(world: World, merchant_id: UUID, model: str) -> Counted:
    """Counts the model's attempts for one merchant in the last four weeks."""
    return await count_drift(world.db.reader, merchant_id, _since(world.clocks.wall()), model)


async def watch_drift(world: World) -> int:
    """Merchants that are due; answers how many. Without a model nobody is."""
    wall = world.clocks.wall()
    choice = await last_choice(world.db)
    if choice is None or choice.name is None:
        return 0
    due = await claim_drift_watches(world.db.alone, wall, wall - EVERY, AT_ONCE)
    for merchant_id in due:
        try:
            await _watch(world, merchant_id, choice.name, wall)
        except asyncpg.PostgresError as error:
            log.warning("drift not counted", merchant=str(merchant_id), error=in_words(error))
    return len(due)


async def _watch(world: World, merchant_id: UUID, model: str, wall: WallTime) -> None:
    counted: Counted = await count_drift(world.db, merchant_id, _since(wall), model)
    if counted.verdict == "too_little":
        return

    async def once() -> None:
        async with world.db.transaction() as tx:
            await alert_of_drift(tx, merchant_id, model, counted, wall)

    await retrying(once)


def _since(wall: WallTime) -> UUID:
    return first_id_of(wall - timedelta(days=DAYS))
