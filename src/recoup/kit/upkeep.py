"""Upkeep of the database by whichever worker leases it: partitions ahead of time, old records
dropped in time, and what each subject lets be forgotten."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from recoup.db.operation.upkeep import (
    begin_upkeep,
    finish_upkeep,
    last_alive,
    lease_upkeep,
    note_alive,
)
from recoup.db.statement import FIRST_CELL, Connection, Tx
from recoup.db.upkeep import keep_up, may_keep_up
from recoup.kernel.feature import Place
from recoup.kernel.time import WallTime
from recoup.kit.world import World

TASK: Final = "partitions"
EVERY: Final = timedelta(hours=1)
LEASED: Final = timedelta(minutes=10)


async def take_turn(
    world: World,
    task: str,
    done_before: datetime | None = None,
    leased: timedelta = LEASED,
    *,
    at_first_start: bool = True,
) -> bool:
    """Leases a task for this worker alone; False while another has it, or when it was done since
    `done_before`, else within the hour. `at_first_start`: due at once where it was never done."""
    now, task = world.clocks.wall(), _of_cell(world, task)
    async with world.db.transaction() as tx:
        if not at_first_start:
            await begin_upkeep(tx, task, now)
        return await lease_upkeep(
            tx, task, until=now + leased, now=now, done_before=done_before or now - EVERY
        )


async def end_turn(tx: Tx, world: World, task: str, at: datetime) -> None:
    """Notes, in an open transaction, that the task is done."""
    await finish_upkeep(tx, _of_cell(world, task), at)


def _of_cell(world: World, task: str) -> str:
    """Each cell has its own."""
    return task if world.cell == FIRST_CELL else f"{task} of cell {world.cell}"


async def upkeep(world: World) -> int:
    """Keeps up the databases, once an hour over all workers; one that dies meanwhile is followed by
    another. A worker that has no log-in of the schema's owner leaves it to others."""
    owner = world.owner_dsn
    if not owner or not await may_keep_up(owner):
        return 0
    now = world.clocks.wall()
    if await take_turn(world, TASK):
        await keep_up(owner, now, world.cell)
        async with world.db.transaction() as tx:
            await end_turn(tx, world, TASK, world.clocks.wall())
    return 0


ALIVE: Final = "worker"
ALIVE_SECONDS: Final = 10.0
ALIVE_WITHIN: Final = timedelta(seconds=2.5 * ALIVE_SECONDS)
LATE_SECONDS_MAX: Final = 300.0


async def beat(world: World) -> int:
    """Notes that a worker lives."""
    await note_alive(world.db.alone, _of_cell(world, ALIVE), world.clocks.wall())
    return 0


async def beaten_ago(world: World) -> timedelta | None:
    """Time since a worker last said that it lives; None: none ever did."""
    at = await last_alive(world.db.reader, _of_cell(world, ALIVE))
    return None if at is None else world.clocks.wall() - at


Forget = Callable[[Connection, WallTime], Awaitable[object]]
# What may be forgotten by now: in the world's database, in that of people, and by more than that.
FORGET: Final = Place[Forget]("forget")
FORGET_PEOPLE: Final = Place[Forget]("forget_people")
TIDY: Final = Place[Callable[[World], Awaitable[object]]]("tidy")
AT_ONCE: Final = 1_000


async def purge_expired(world: World) -> int:
    wall = world.clocks.wall()
    async with world.db.connection() as connection:
        for forget in FORGET:
            await forget(connection, wall)
    if world.people_database is not None:
        async with world.people_database.connection() as connection:
            for forget in FORGET_PEOPLE:
                await forget(connection, wall)
    for tidy in TIDY:
        await tidy(world)
    return 0
