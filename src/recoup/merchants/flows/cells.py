"""Cells of a world, for a flow that leaves its merchant's own."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar
from uuid import UUID

from recoup.db.statement import FIRST_CELL
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.merchants.store.cells import cell_of
from recoup.merchants.store.filling import filling

T = TypeVar("T")
_RESTART: Final = "Restart this process: it was started before the cell was added."


def opened(world: World, cell: int) -> World:
    """Raises: Problem(unavailable)."""
    for each in world.every:
        if each.cell == cell:
            return each
    raise Problem(
        "unavailable",
        "The merchant's cell is not open here.",
        cure=_RESTART,
        retry_after_seconds=30,
    )


async def home_of(world: World, merchant_id: UUID) -> World:
    """The world as a merchant's cell has it. Raises: Problem(unavailable)."""
    if not world.cells:
        return world
    return opened(world, await cell_of(world.db, merchant_id) or FIRST_CELL)


async def emptiest(world: World) -> World:
    """The cell for a new merchant: of those that answer the one with the fewest events. Raises:
    Problem(unavailable) where none answers."""
    if not world.cells:
        return world
    found = []
    problem: Problem | None = None
    for each in world.every:
        try:
            held = await filling(each.db)
        except Problem as error:
            problem = error
        else:
            found.append((held.events, held.merchants, each.cell, each))
    if not found and problem:
        raise problem
    return min(found)[-1]


async def place_for(world: World, merchant_id: UUID) -> World:
    """The cell that has a merchant, or for a new one the emptiest. Raises: as those do."""
    if not world.cells:
        return world
    cell = await cell_of(world.db, merchant_id)
    return await emptiest(world) if cell is None else opened(world, cell)


async def of_each(world: World, read: Callable[[World], Awaitable[list[T]]]) -> list[T]:
    """Rows of every cell, one cell after the other."""
    return [row for each in world.every for row in await read(each)]
