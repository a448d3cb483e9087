"""The sandbox's clock: moved forward by its people. A long move goes on by itself; the page shows how far it is."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from recoup.doors.portal.developers.page import PLACE, STEPS, Moving, acting, developers
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.form_shape import FormKeyId
from recoup.doors.portal.pages import Answer
from recoup.doors.portal.visit import Visit
from recoup.flows.advance_clock import advance_clock
from recoup.flows.locked import Orders
from recoup.flows.messages.deliver import Deliveries
from recoup.flows.messages.publish_now import publish_now
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.store.orders.due_work import next_business_instant

log = structlog.get_logger()
WAIT_SECONDS: Final = 8.0  # then the page answers, and the move goes on
SIDE_BY_SIDE: Final = 3  # of a move's work, so that callers find the other connections free


@dataclass(frozen=True, slots=True)
class ClockForm:
    """`by`: of `STEPS`, or next, until something falls due."""

    by: str
    key: FormKeyId


@developers.post("/developers/clock", may=acting, shape=ClockForm)
async def post_clock(visit: Visit, form: ClockForm) -> Answer:
    """The same form again moves nothing."""
    moving = visit.portal.get(Moving).tasks
    move_id, by = form.key, await _step(visit, form.by)
    task = moving.get(visit.merchant_id)
    if task is not None and task.get_name() != str(move_id):
        raise Problem("conflict", "The clock is already moving.", cure="Wait until the move has finished.")
    if task is None:
        task = asyncio.create_task(_move(visit, acting(visit), by, move_id), name=str(move_id))
        moving[visit.merchant_id] = task
        task.add_done_callback(lambda done: _ended(visit, done))
    await asyncio.wait({task}, timeout=WAIT_SECONDS)
    if task.done():
        task.result()
    return redirect(f"{PLACE}#clock")


async def _move(visit: Visit, scope: Scope, by: timedelta, move_id: UUID) -> None:
    """One after the other, of all merchants: many at once left no room for other calls."""
    portal = visit.portal

    def publish(merchant_id: UUID) -> Any:
        return publish_now(portal.world, portal.get(Deliveries), merchant_id)

    whose = (portal.world, portal.get(Orders), visit.merchant_id)
    async with portal.get(Moving).one_clock:
        await advance_clock(*whose, by, publish, requested_by=(scope, move_id), side_by_side=SIDE_BY_SIDE)


def _ended(visit: Visit, task: asyncio.Task[None]) -> None:
    visit.portal.get(Moving).tasks.pop(visit.merchant_id, None)
    visit.portal.merchants.forget(visit.merchant_id)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("clock not moved", merchant=str(visit.merchant_id), error=type(error).__name__)


async def _step(visit: Visit, text: str) -> timedelta:
    """Raises: Problem(invalid) for a step that is none of the page's."""
    if text == "next":
        async with visit.world.db.read() as connection:
            due = await next_business_instant(connection, visit.merchant_id)
        if due is None:
            raise Problem("invalid", "Nothing falls due.", field="by", cure="Choose a time span instead.")
        return max(due - visit.now, timedelta(0))
    if text not in STEPS:
        raise Problem("invalid", "There is no such step.", field="by", cure="Choose one of the list.")
    return STEPS[text]
