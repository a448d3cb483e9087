"""`recoup cells`: further cells of a world, each with merchants of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final
from urllib.parse import urlsplit

import asyncpg
import click

from recoup.db.cells import addresses, list_cell
from recoup.db.connect import connect
from recoup.db.migrate import add_cell
from recoup.db.operation.citus import has_citus, move_cell, spread_cell
from recoup.db.statement import FIRST_CELL
from recoup.db.upkeep import keep_up
from recoup.kernel.problem import Problem, invalid
from recoup.kit.cli.command import Printed
from recoup.merchants.cli import Opened, verb
from recoup.merchants.store.filling import filling

_RESTART: Final = "Restart doors and workers: new merchants come to the emptiest cell from then on."


@click.group()
def cells() -> None:
    """Further cells: each has tables of its own for a part of the merchants, on a node of Citus."""


@verb(cells, json="")
async def show(opened: Opened) -> Printed:
    """Lists cells: where each is, and what it holds."""
    world = opened.world
    at = await addresses(_owner(opened))
    rows = []
    for each in world.every:
        server = urlsplit(at[each.cell]).netloc.rpartition("@")[2] or "this machine"
        try:
            held = await filling(each.db)
        except Problem as problem:
            rows.append({"cell": each.cell, "server": server, "away": problem.message})
        else:
            rows.append(
                {
                    "cell": each.cell,
                    "server": server,
                    "merchants": held.merchants,
                    "events": held.events,
                }
            )
    lines = (
        f"{row['cell']:>4}  {row['server']:30}"
        + (
            f"  away: {row['away']}"
            if "away" in row
            else f"  {row['merchants']:>8} merchants  {row['events']:>12} events"
        )
        for row in rows
    )
    return Printed(rows, lines)


@verb(cells, "add")
async def add_verb(
    opened: Opened, *, node: Annotated[str, "Of Citus, as host:port; it chooses itself."] = ""
) -> str:
    """Adds a cell, beside running doors and workers. Running it again goes on where it ended."""
    now, dsn = opened.world.clocks.wall(), _owner(opened)
    cell = await add_cell(dsn)
    await keep_up(dsn, now, cell)
    async with _owned(dsn) as connection:
        if await has_citus(connection):
            async for step in spread_cell(connection, cell):
                click.echo(step)
            if node:
                await move_cell(connection, cell, node)
        elif node:
            raise invalid("This database is on no Citus.", "--node", "Leave it out.")
        await list_cell(connection, cell, now)
    return f"There is a cell {cell}. {_RESTART}"


@verb(cells)
async def move(
    opened: Opened,
    cell: int,
    *,
    to: Annotated[str, "Node of Citus, as host:port."],
) -> str:
    """Moves a cell to another node of Citus; its merchants go on meanwhile."""
    if cell not in {FIRST_CELL, *(each.cell for each in opened.world.every)}:
        raise invalid("There is no such cell.", "CELL", "`recoup cells show` lists them.")
    async with _owned(_owner(opened)) as connection:
        if not await has_citus(connection):
            raise invalid("This database is on no Citus.", "--to", "Cells move between its nodes.")
        await move_cell(connection, cell, to)
    return f"Cell {cell} is at {to}."


def _owner(opened: Opened) -> str:
    assert opened.world.owner_dsn
    return opened.world.owner_dsn


@asynccontextmanager
async def _owned(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()
