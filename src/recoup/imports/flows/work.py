"""Due work `import`: attempts that were read are taken over some at a time, each part in a
transaction of its own.

A process that dies has taken over whole parts, and the next one goes on behind them. Imports of a
merchant take turns, in the order in which they came.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.audit.moves import note
from recoup.db.pool import retrying
from recoup.imports.moves.imported_sends import Part, count_sends
from recoup.imports.moves.imports import end_import
from recoup.imports.store.imports import (
    Import,
    count_taken,
    drop_taken,
    end_of_part,
    find_import,
    first_unfinished,
    lock_import,
    request_stop,
    take_over,
)
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.merchants.store.merchants import load_merchant
from recoup.orders.store.due_work import Due, hand_back

ROWS_AT_ONCE: Final = 20_000
SENDS_AT_ONCE: Final = 500  # whose cards are locked meanwhile
SLICE_SECONDS: Final = (
    5.0  # then a free worker goes on: one that shall end does not wait for an import
)
TURN: Final = timedelta(seconds=0.5)


async def work_import(world: World, due: Due) -> None:
    """Part after part, for a while."""
    key, until = (due.merchant_id, due.subject_id), world.clocks.monotonic() + SLICE_SECONDS
    while world.clocks.monotonic() < until:
        first = await first_unfinished(world.db, *key)
        if first != key[1]:
            wait = world.clocks.wall() + TURN if first is not None else None
            await hand_back(world.db.alone, due, wait)
            return
        if await take_part(world, key):
            return
    await hand_back(world.db.alone, due, None)


async def finish(
    world: World, key: tuple[UUID, UUID], tell: Callable[[int], None] = lambda rows: None
) -> Import:
    """All of it, and earlier ones of the merchant before it: for whoever waits for the end. `tell`:
    how many of its attempts are done. Raises: Problem(not_found)."""
    while True:
        first = await first_unfinished(world.db, *key)
        found = await find_import(world.db, *key)
        if found is None:
            raise no_such_import()
        tell(found.done_count)
        if first is None:
            return found
        await take_part(world, (key[0], first))


async def take_part(world: World, key: tuple[UUID, UUID]) -> bool:
    """The next part of an import. True: that was its end. What was taken over of cards that we hold
    is counted before more is, and before the end: of one that is stopped, too."""
    merchant = await load_merchant(world.db, key[0])
    if merchant is None:
        raise no_such_import()

    async def once() -> bool:
        wall = world.clocks.wall()
        part = Part(*key, merchant.merchant.region, merchant.merchant.business(wall), wall)
        async with world.db.transaction() as tx:
            found = await lock_import(tx, *key)
            if found is None or found.finished_at is not None:
                return True
            if found.waits or await count_sends(tx, part, SENDS_AT_ONCE):
                return False
            done = (found.done_to[0], found.done_to[1])
            end = await end_of_part(tx, *key, *done, ROWS_AT_ONCE)
            if end is None or found.stop_requested_at is not None:
                await end_import(tx, key, "completed" if end is None else "stopped", wall)
                return True
            taken = await take_over(tx, *key, *done, end.provider, end.ref)
            rows = await drop_taken(tx, *key, *done, end.provider, end.ref)
            await count_taken(tx, *key, rows, taken.added, taken.changed, [end.provider, end.ref])
            return False

    return await retrying(once)


async def stop_import(world: World, scope: Scope, import_id: UUID) -> Import:
    """Stops an import. What was taken over stays; a repeat answers the same. Raises:
    Problem(not_found); Problem(wrong_state)."""
    async with world.db.transaction() as tx:
        wall = world.clocks.wall()
        stopping = await request_stop(tx, scope.merchant_id, import_id, wall, scope.actor.text())
        if stopping:
            await note(tx, scope, wall, "import.stopped", import_id)
    found = await one_import(world, scope.merchant_id, import_id)
    if not stopping and found.state == "completed":
        raise Problem(
            "wrong_state", "This import is already finished.", cure="Its attempts are taken over."
        )
    return found


async def one_import(world: World, merchant_id: UUID, import_id: UUID) -> Import:
    """Raises: Problem(not_found)."""
    found = await find_import(world.db, merchant_id, import_id)
    if found is None:
        raise no_such_import()
    return found


def no_such_import() -> Problem:
    return Problem(
        "not_found", "There is no such import.", cure="Check the id; recoup import prints it."
    )
