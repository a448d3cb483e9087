"""Which model decides: kept in memory, never a damaged or stale one, chosen by one person at a
time."""

import asyncio
import dataclasses
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.engine.ground import model
from tests.worlds import owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.engine.learn.choices import back, keep, listed, shown, take
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.kernel.time import Clocks
from recoup.kit.world import World
from recoup.rescue.flows.models import KEEP_SECONDS, Models
from recoup.rescue.rules.model_standing import STALE_AFTER, WHY_NONE

ANNA, BEN = Actor("operator", "anna"), Actor("operator", "ben")
NOW = datetime(2027, 3, 1, 14, 30, tzinfo=UTC)  # a day after the newest attempt of the model
FIRST, SECOND = model(), model(generic=0.3)


class Hand(Clocks):
    """A monotonic clock that is moved by hand."""

    __setattr__ = object.__setattr__

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


def told(server: ServerAddress, story: Callable[[World], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as (world, _, _):
            await story(world)

    asyncio.run(inside())


async def current(world: World, now: datetime = NOW) -> str | None:
    await world.models.ready()
    found = world.models.current(now)
    return found.name if found is not None else world.models.why_none(now)


def test_nothing_is_taken_at_first_and_what_is_taken_decides(server: ServerAddress) -> None:
    async def story(world: World) -> None:
        assert await current(world) == "no_model"
        assert await keep(world, FIRST, None, ANNA)
        assert not await keep(world, FIRST, None, BEN), "the same content is the same model"
        assert await current(world) == "no_model", "a model that was only kept decides nothing"
        await take(world, FIRST.name, ANNA)
        assert await current(world) == FIRST.name
        assert (await world.models.by_name(FIRST.name)).name == FIRST.name
        assert await world.models.by_name("model-000000000000") is None

    told(server, story)


def test_one_command_goes_back_through_what_was_taken(server: ServerAddress) -> None:
    async def story(world: World) -> None:
        with pytest.raises(Problem, match="No model is in use"):
            await back(world, ANNA)
        for one in (FIRST, SECOND):
            await keep(world, one, None, ANNA)
            await take(world, one.name, ANNA)
        assert [(row.name, row.state) for row in (await listed(world))[0]] == [
            (SECOND.name, "taken"),
            (FIRST.name, "retired"),
        ]
        assert await back(world, BEN) == FIRST.name
        assert await current(world) == FIRST.name
        await take(world, SECOND.name, ANNA)
        assert await back(world, BEN) == FIRST.name
        assert await back(world, BEN) is None
        assert await current(world) == "no_model"
        async with world.db.connection() as connection:
            rows = await connection.fetch(
                "SELECT name, actor FROM model_choices ORDER BY choice_no"
            )
        assert [(row["name"], row["actor"]) for row in rows] == [
            (FIRST.name, "operator:anna"),
            (SECOND.name, "operator:anna"),
            (FIRST.name, "operator:ben"),
            (SECOND.name, "operator:anna"),
            (FIRST.name, "operator:ben"),
            (None, "operator:ben"),
        ]

    told(server, story)


def test_two_people_who_choose_at_once_do_not_overwrite_each_other(server: ServerAddress) -> None:
    async def story(world: World) -> None:
        for one in (FIRST, SECOND):
            await keep(world, one, None, ANNA)
        async with world.db.transaction() as tx:  # Anna's choice, not committed yet
            await tx.execute(
                "INSERT INTO model_choices VALUES (1, $1, NULL, 'by hand', 'operator:anna', now())",
                FIRST.name,
            )
            late = asyncio.create_task(take(world, SECOND.name, BEN))
            await asyncio.sleep(0.1)
            assert not late.done()
        with pytest.raises(Problem, match="Somebody else has just chosen") as refused:
            await late
        assert refused.value.code == "conflict"
        assert await current(world) == FIRST.name

    told(server, story)


def test_what_cannot_be_taken_is_refused_in_words(server: ServerAddress) -> None:
    async def story(world: World) -> None:
        with pytest.raises(Problem, match="There is no model 'nothing'"):
            await take(world, "nothing", ANNA)
        with pytest.raises(Problem, match="There is no model 'nothing'"):
            await shown(world, "nothing")
        await keep(world, FIRST, None, ANNA)
        await take(world, FIRST.name, ANNA)
        with pytest.raises(Problem, match="is already in use"):
            await take(world, FIRST.name, BEN)

    told(server, story)


DAMAGES: dict[str, tuple[str, str]] = {
    "a digit": ("""content = replace(content, '"generic":0.2', '"generic":0.9')""", "hash differs"),
    "cut off": (
        "content = left(content, 500), sha256 = encode(sha256(left(content, 500)::bytea), 'hex')",
        "cannot be read",
    ),
    "another format": (
        """content = replace(content, '"format":2', '"format":1'),
        sha256 = encode(sha256(replace(content, '"format":2', '"format":1')::bytea), 'hex')""",
        "has format 1",
    ),
    "another model's": (
        """content = replace(content, '"payers":100', '"payers":101'),
        sha256 = encode(sha256(replace(content, '"payers":100', '"payers":101')::bytea), 'hex')""",
        "The content is that of model-",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_model_never_decides(server: ServerAddress, name: str) -> None:
    sql, words = DAMAGES[name]

    async def story(world: World) -> None:
        await keep(world, FIRST, None, ANNA)
        await take(world, FIRST.name, ANNA)
        assert await current(world) == FIRST.name
        async with owner(world) as connection:
            assert await connection.execute(f"UPDATE models SET {sql}") == "UPDATE 1"
        restarted = dataclasses.replace(world, models=Models(world.db, world.clocks))
        assert await current(restarted) == "model_damaged"
        assert words in (await shown(restarted, FIRST.name)).damaged
        await back(restarted, ANNA)
        with pytest.raises(Problem, match=f"{FIRST.name} is damaged"):
            await take(restarted, FIRST.name, ANNA)

    told(server, story)


def test_a_machine_without_arrays_decides_by_schedule(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(world: World) -> None:
        await keep(world, FIRST, None, ANNA)
        await take(world, FIRST.name, ANNA)
        monkeypatch.setitem(sys.modules, "recoup.engine.regression", None)
        assert await current(world) == "model_not_read"
        assert "cannot be loaded on this machine" in (await shown(world, FIRST.name)).damaged

    told(server, story)


def test_a_model_decides_only_within_its_time(server: ServerAddress) -> None:
    async def story(world: World) -> None:
        await keep(world, FIRST, None, ANNA)
        await take(world, FIRST.name, ANNA)
        last_day = datetime(2027, 2, 28, tzinfo=UTC) + timedelta(days=1)
        just = last_day + STALE_AFTER - timedelta(seconds=1)
        assert await current(world, just) == FIRST.name
        assert await current(world, just + timedelta(seconds=1)) == "model_stale"
        assert await current(world, datetime(2026, 10, 1, tzinfo=UTC)) == FIRST.name
        assert await current(world, datetime(2026, 9, 30, 23, tzinfo=UTC)) == "model_ahead"
        assert {"no_model", "model_stale", "model_ahead", "model_damaged", "model_not_read"} == set(
            WHY_NONE
        )

    told(server, story)


class Counting:
    """A database that counts how often it is asked, and can be lost."""

    def __init__(self, db: Any) -> None:
        self.db, self.asked, self.lost = db, 0, False

    def connection(self) -> Any:
        self.asked += 1
        if self.lost:
            raise Problem("unavailable", "The database is not reachable.")
        return self.db.connection()


def test_the_database_is_not_asked_for_each_decision(server: ServerAddress) -> None:
    async def story(world: World) -> None:
        clocks, db = Hand(), Counting(world.db)
        other = dataclasses.replace(world, models=Models(db, clocks))
        await asyncio.gather(*(current(other) for _ in range(50)))
        assert db.asked == 1
        await keep(world, FIRST, None, ANNA)
        await take(world, FIRST.name, ANNA)  # by another process
        assert await current(other) == "no_model"
        clocks.seconds += KEEP_SECONDS
        assert await asyncio.gather(*(current(other) for _ in range(50))) != ["no_model"] * 50
        assert db.asked == 2
        assert await current(other) == FIRST.name
        db.lost = True
        clocks.seconds += KEEP_SECONDS
        assert await current(other) == FIRST.name, (
            "without the database it goes on with what it has"
        )
        fresh = dataclasses.replace(world, models=Models(db, clocks))
        with pytest.raises(Problem, match="not reachable"):
            await current(fresh)

    told(server, story)
