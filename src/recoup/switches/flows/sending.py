"""The switch of all sending: charges, captures, refunds, voids, payouts and transfers on chains, of
every merchant.

Each intent reads the switch in its own transaction, so it holds for every process at once.
Questions to processors, answers to disputes, webhooks and e-mails go on.
"""

import asyncio
from datetime import timedelta
from enum import Enum
from typing import Final

from recoup.audit import moves as audit
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.merchants.store.sending_stops import (
    next_transaction,
    open_since,
    resume_sending,
    stop_sending,
)
from recoup.orders.moves.pace import SEND_WITHIN
from recoup.routes.flows.route_switches import checked_reason

OPEN_WAIT: Final = timedelta(seconds=30)
LOOK_SECONDS: Final = 0.05


class SwitchedOff(Enum):
    """`LEAVING`: what was decided before has not all been committed yet."""

    NOW = "now"
    BEFORE = "before"
    LEAVING = "leaving"


async def switch_sending_off(
    world: World, why: str, actor: str, scope: Scope | None = None
) -> SwitchedOff:
    """Switches all sending off. Once it answers NOW, no intent to send is committed any more; an
    earlier one leaves within five seconds. `scope`: of who does it in the portal.

    Raises: Problem(invalid) for no reason, or one that is too long.
    """
    why = checked_reason(why)
    async with world.db.transaction() as tx:
        done = await stop_sending(tx, new_id(), why, actor, world.clocks.wall())
        if done and scope is not None:
            await audit.note(tx, scope, world.clocks.wall(), "sending.off", "", {"why": why})
    until = world.clocks.monotonic() + OPEN_WAIT.total_seconds()
    try:
        left = [await _have_left(cell, until) for cell in world.every]
    except Problem:
        if not world.cells:
            raise
        left = [False]
    if not all(left):
        return SwitchedOff.LEAVING
    return SwitchedOff.NOW if done else SwitchedOff.BEFORE


async def _have_left(cell: World, until: float) -> bool:
    """Waits for what was decided before; each cell's server numbers its own transactions."""
    cell.routes.forget()
    number = await next_transaction(cell.db.alone)
    while await open_since(cell.db.alone, number):
        if cell.clocks.monotonic() > until:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True


async def switch_sending_on(world: World, actor: str, scope: Scope | None = None) -> bool:
    """Lets what waits go on by its plan. False when it was not off."""
    async with world.db.transaction() as tx:
        done = await resume_sending(tx, actor, world.clocks.wall())
        if done and scope is not None:
            await audit.note(tx, scope, world.clocks.wall(), "sending.on")
    for cell in world.every:
        cell.routes.forget()
    return done


LEAVES_WITHIN: Final = round(SEND_WITHIN.total_seconds())
