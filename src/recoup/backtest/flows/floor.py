"""The floor under the engine: once a day, for each merchant that it decides for, a back-test of the
fixed schedule on the merchant's own orders. Where the schedule would have rescued more, the engine
stops: with 90 % confidence, however often one looks. Of an engine that somebody has started again
only the orders since then count."""

from typing import Final
from uuid import UUID

import asyncpg
import structlog

from recoup.audit import moves as audit
from recoup.backtest.flows.backtest import ENGINE
from recoup.backtest.flows.kept import put_and_make
from recoup.backtest.flows.questions import decider_of
from recoup.backtest.rules.estimate import at_any_look
from recoup.backtest.rules.question import DAYS, DAYS_MIN, Question
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, in_words
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.notifications.moves import alert_now
from recoup.policies.rules.policy import CURRENT
from recoup.terms.store.arms import last_resumed, served_merchants, standing_stops, stop_engine

log = structlog.get_logger()
BY: Final = Actor("worker", "floor")
WHY: Final = "Its back-test shows that the fixed schedule would have rescued more."


async def watch_floor(world: World, merchant_id: UUID | None = None) -> int:
    """Answers for how many merchants the engine was stopped. The failure of one does not starve
    those after it."""
    stopped = 0
    for merchant in await served_merchants(world.db.alone, merchant_id):
        try:
            stopped += await _watch(world, merchant)
        except (asyncpg.PostgresError, Problem) as error:
            log.warning("floor not computed", merchant=str(merchant), error=in_words(error))
    return stopped


async def _watch(world: World, merchant_id: UUID) -> bool:
    """Figures that take long are there at one of the next looks."""
    is_stopped, wall = await standing_stops(world.db, merchant_id), world.clocks.wall()
    if is_stopped or await decider_of(world, merchant_id, by_settings=False) != ENGINE:
        return False
    resumed = await last_resumed(world.db, merchant_id)
    days = DAYS if resumed is None else min(DAYS, (wall - WallTime(resumed)).days)
    if days < DAYS_MIN:
        return False
    scope = Scope(merchant_id, BY, "floor")
    question = Question(purpose="floor", decider=CURRENT.version, subject=merchant_id, days=days)
    row = await put_and_make(world, scope, question)
    report = row.report if row is not None else None
    if row is None or report is None or report["difference"] is None:
        return False
    low, high = at_any_look(
        report["difference"]["low"], report["difference"]["high"], report["orders"]
    )
    if low <= 0:
        return False
    facts = {
        "finding": "floor",
        "backtest_id": str(row.backtest_id),
        "orders": report["orders"],
        "low": low,
        "high": high,
    }
    async with world.db.transaction() as tx:
        if not await stop_engine(tx, new_id(), merchant_id, WHY, scope.actor.text(), wall):
            return False
        await audit.note(tx, scope, wall, "engine.stopped", "", {"why": WHY})
        await alert_now(tx, merchant_id, "uplift", row.backtest_id, 1, facts, wall)
    return True
