"""Moves a sandbox merchant's business time: from one due instant to the next, running each, to the
target.

Never passes an instant while an attempt of that merchant is open or unknown; a sandbox processor
that is silent for days answers then. Returns when everything due is done and every event is in the
feed and had its first delivery try.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import BusinessTime
from recoup.kit.world import World
from recoup.merchants.store.clock_moves import NewClockMove, begin_move, end_move
from recoup.merchants.store.merchants import move_clock, offset_of
from recoup.orders.store.due_work import next_business_instant, outstanding
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.on_demand import end_silence
from recoup.rescue.flows.run_due import run_due

Publish = Callable[[UUID], Awaitable[int]]
SETTLE_SECONDS_MAX = 120.0
STEP_MAX = timedelta(days=366)
SIDE_BY_SIDE = 128  # pieces of work
AHEAD_MAX = timedelta(days=5 * 366)


async def advance_clock(
    world: World,
    orders: Orders,
    merchant_id: UUID,
    by: timedelta,
    publish: Publish,
    tell: Callable[[datetime], None] | None = None,
    requested_by: tuple[Scope, UUID] | None = None,
    side_by_side: int = SIDE_BY_SIDE,
    stride: timedelta = timedelta(0),
) -> BusinessTime:
    """Answers the business time it stopped at. `publish(merchant)` closes the feed and makes first
    delivery tries. `requested_by`: who wants it, and their id of this move, which is kept; one that
    comes again moves nothing. `side_by_side`: how much of what is due runs at once, each piece with
    a database connection. `stride`: the shortest step; what falls due within one runs at its end,
    like at a worker that was busy.

    Raises: Problem(invalid) for a negative step; Problem(forbidden) outside a sandbox;
    Problem(unavailable) in quarantine.
    """
    world.standing.check()
    if not world.policy.test_mode:
        raise Problem(
            "forbidden",
            "Only a sandbox merchant's clock can be moved.",
            cure="Name a merchant of the sandbox.",
        )
    if by < timedelta(0):
        raise invalid(
            "A clock only moves forward.", "advance", "Give a time span like 22d, 36h or 90m."
        )
    if by > STEP_MAX:
        raise invalid(
            Sentence("A clock moves at most {0} days at once.", STEP_MAX.days),
            "advance",
            "Move it in several steps.",
        )
    offset = await offset_of(world.db, merchant_id)
    if offset is None:
        raise Problem(
            "not_found",
            "There is no such merchant in this world.",
            cure="Check its id, or leave it out.",
        )
    target = world.clocks.business(offset) + by
    if target > world.clocks.wall() + AHEAD_MAX:
        message = Sentence(
            "A clock can be at most {0} days ahead and never goes back.", AHEAD_MAX.days
        )
        raise invalid(message, "advance", "Use another merchant, or a new data folder.")
    if requested_by and not await _begin(world, *requested_by, target - by, target):
        return BusinessTime(target - by)
    settle = partial(_settle, world, orders, merchant_id, publish, side_by_side)
    await settle()
    reached: datetime = target - by
    while True:
        due = await next_business_instant(world.db, merchant_id)
        instant = min(max(due, reached + stride), target) if due is not None else target
        await _move(world, merchant_id, instant)
        reached = instant
        if tell:
            tell(instant)
        await settle(at_end=instant >= target)
        if instant >= target:
            break
    if requested_by:
        await end_move(world.db.alone, merchant_id, requested_by[1], target)
    return BusinessTime(target)


async def _begin(
    world: World, scope: Scope, move_id: UUID, start: datetime, target: datetime
) -> bool:
    """Begins a move of the clock; False for a move that came before."""
    row = NewClockMove(
        merchant_id=scope.merchant_id,
        move_id=move_id,
        requested_at=world.clocks.wall(),
        actor=scope.actor.text(),
        request_id=scope.request_id,
        from_at=start,
        target_at=target,
    )
    return await begin_move(world.db.alone, row)


async def _move(world: World, merchant_id: UUID, instant: datetime) -> None:
    """Forward only; a second `advance` beside this one cannot turn it back."""
    offset = round((instant - world.clocks.wall()) / timedelta(microseconds=1))
    await move_clock(world.db.alone, merchant_id, offset)


async def _settle(
    world: World,
    orders: Orders,
    merchant_id: UUID,
    publish: Publish,
    side_by_side: int,
    *,
    at_end: bool = True,
) -> None:
    """Runs what is due until nothing is out; events are published at the end of the way."""
    give_up = world.clocks.monotonic() + SETTLE_SECONDS_MAX
    while True:
        ran = await run_due(world, orders, merchant_id=merchant_id, limit=side_by_side)
        if ran:
            continue
        if at_end:
            await publish(merchant_id)
        left = await outstanding(world.db, merchant_id, world.clocks.wall())
        if not left.work and not (at_end and (left.unfed or left.undelivered)):
            return
        if left.unanswered:
            await end_silence(world, merchant_id)
        if world.clocks.monotonic() > give_up:
            raise _stuck(left.unanswered)
        await asyncio.sleep(0.02)


def _stuck(unanswered: int) -> Problem:
    """Problem that keeps the clock from going on."""
    if unanswered:
        many = Sentence(
            "{0} attempts have no answer from the processor yet; the clock was not moved.",
            unanswered,
        )
        singular = "One attempt has no answer from the processor yet; the clock was not moved."
        message = singular if unanswered == 1 else many
        return Problem(
            "unavailable",
            message,
            cure="See Unknown outcomes in the portal: the clock waits for each answer.",
        )
    return Problem(
        "unavailable",
        "Work of this merchant does not finish; the clock was not moved.",
        cure="Check the orders that need attention in the portal, then try again.",
    )
