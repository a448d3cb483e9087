"""Cells of a world, for a flow that leaves its merchant's own."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from recoup.db.statement import FIRST_CELL
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence
from recoup.kit.world import World
from recoup.merchants.store.cells import cell_of, list_cells
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


@frozen
class Answers(Generic[T]):
    """What each cell that answers says, the first cell first. `missing`: those that do not."""

    said: list[tuple[World, T]]
    missing: list[int] = field(default_factory=list)

    @property
    def problem(self) -> Problem | None:
        """Says which cells are missing."""
        if not self.missing:
            return None
        return Problem(
            "unavailable",
            Sentence(
                "What cell {0} holds is missing here: its database does not answer.",
                ", ".join(map(str, self.missing)),
            ),
            cure="Try again in a minute.",
            retry_after_seconds=30,
        )

    def check(self) -> None:
        """Raises: Problem(unavailable) where a cell is missing."""
        if (problem := self.problem) is not None:
            raise problem


async def ask_each(
    world: World,
    ask: Callable[[World], Awaitable[T]],
    cells: Sequence[World] | None = None,
) -> Answers[T]:
    """Asks one cell after the other; all of them unless `cells` are named. Raises: the Problem of
    one that is asked alone; any other Problem than of a cell that is away."""
    cells = world.every if cells is None else cells
    if len(cells) == 1:
        return Answers([(cells[0], await ask(cells[0]))])
    said, missing = list[tuple[World, T]](), list[int]()
    for each in cells:
        try:
            said.append((each, await ask(each)))
        except Problem as problem:
            if problem.code != "unavailable":
                raise
            missing.append(each.cell)
    return Answers(said, missing)


async def of_each(world: World, read: Callable[[World], Awaitable[list[T]]]) -> list[T]:
    """Rows of every cell. Raises: Problem(unavailable) where one is away."""
    answers = await ask_each(world, read)
    answers.check()
    return [row for _, rows in answers.said for row in rows]


async def first_rows(
    world: World,
    read: Callable[[World], Awaitable[list[T]]],
    key: Callable[[T], Any],
    limit: int | None = None,
    *,
    reverse: bool = False,
) -> tuple[list[T], Problem | None]:
    """The first `limit` rows of the cells that answer, each of which reads as many in that order;
    and which cells are missing."""
    answers = await ask_each(world, read)
    if not world.cells:
        return answers.said[0][1], None
    rows = [row for _, of_cell in answers.said for row in of_cell]
    return sorted(rows, key=key, reverse=reverse)[:limit], answers.problem


async def check_known(world: World, merchant_id: UUID | None = None) -> None:
    """Of what is not known in the cells that are open here. Raises: Problem(unavailable) where a
    cell that is not may know it: the merchant's, or any that was added since."""
    if merchant_id is None:
        for cell in await list_cells(world.db):
            opened(world, cell)
    elif (home := await cell_of(world.db, merchant_id)) is not None:
        opened(world, home)
