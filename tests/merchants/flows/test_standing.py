"""A home that is put back alone knows less than the others."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.rings import each
from tests.worlds import OwnWorld, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.main.recover import _begin
from recoup.merchants.flows import standing
from recoup.merchants.flows.standing import Watch
from recoup.outside.marks import MarkFile

Own = Callable[[str], Awaitable[object]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(standing, "PAUSE_SECONDS", 0.01)


def a_watch(world: OwnWorld, folder: Path) -> Watch:
    people = world.people_database
    return Watch("sandbox", world.db, people, MarkFile(folder, "sandbox"), world.clocks)


async def _own(world: OwnWorld, sql: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(world.dsn)
    await connection.execute(sql)
    await connection.close()


@each(
    "sql, reason",
    [
        ("UPDATE cell.cell_mark SET beat = beat - 1", "The home cell was restored"),
        ("UPDATE hub.hub_mark SET beat = beat - 1", "The home hub was restored"),
        ("UPDATE chain.chain_mark SET beat = 0", "The home chain was restored"),
        ("UPDATE directory.world SET beat = beat - 1", "The database was restored"),
    ],
)
def test_what_is_put_back_alone_is_quarantined_by_who_never_saw_it(
    server: ServerAddress, tmp_path: Path, sql: str, reason: str
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            folder = tmp_path / reason
            for _ in range(3):
                await (watch := a_watch(world, folder)).look()
            await _own(world, sql)
            fresh = a_watch(world, folder / "fresh")
            for seeing in (watch, fresh):
                await seeing.look()
                assert seeing.reason.startswith(reason), seeing.reason
                with pytest.raises(Problem, match=reason):
                    seeing.check()
            marks = await fresh.marks()
            await fresh.look()
            assert (await fresh.marks()).has == marks.has, "nothing was counted on"

            object.__setattr__(world, "standing", watch)
            assert await _begin(world, "ana")
            assert not watch.reason
            for _ in range(2):
                await fresh.look()
                assert not fresh.reason, "of the epoch that was begun"

    asyncio.run(story())


def test_a_home_that_was_never_marked_is_no_less(server: ServerAddress, tmp_path: Path) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            watch = a_watch(world, tmp_path)
            await watch.look()
            await _own(world, "DELETE FROM hub.hub_mark")
            await watch.look()
            assert not watch.reason
            assert len((await watch.marks()).homes) == 3  # noqa: PLR2004 - marked again

    asyncio.run(story())
