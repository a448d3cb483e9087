"""The nightly training: once a night over all workers, and what the next morning shows of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from tests.order_history import lived
from tests.worlds import POLICY, Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.engine.learn import nightly
from recoup.engine.learn.choices import last_night, listed, take
from recoup.engine.learn.gather import gather
from recoup.engine.learn.nightly import TASK, _keep, train, train_nightly
from recoup.engine.trial import PLAIN_RATES
from recoup.insight.flows.nights import LEASED, PROCESS_MAX, _train, night_before
from recoup.kernel.scope import Actor
from recoup.kernel.time import WallTime
from recoup.kit.world import Trainer, World
from recoup.rescue.store.models import TrainingLine

Row = Mapping[str, Any]


def run(server: ServerAddress, mode: str, story: Callable[[Shop], Awaitable[None]]) -> None:
    """A worker that trains in its own process: what the other one would do is done here."""

    async def inside() -> None:
        async with sandbox_world(server, policy=replace(POLICY, training=mode)) as made:
            change_world(made[0], trainer=lambda wanted: train(made[0], wanted))
            await story(await make_shop(*made))

    asyncio.run(inside())


async def night(shop: Shop) -> None:
    """One has passed since the task was last done."""
    async with owner(shop.world) as connection:
        await connection.execute(
            "UPDATE upkeep SET done_at = now() - interval '25 hours', lease_until = NULL WHERE "
            "task = 'training'"
        )


async def trained(shop: Shop) -> TrainingLine:
    await night(shop)
    assert await train_nightly(shop.world) == 1
    found = await last_night(shop.world)
    assert found is not None
    return found


async def beside(world: World, trainer: Trainer) -> int:
    """Trains as a worker of another process does."""
    return await _train(world, TASK, "take", trainer, partial(_keep, "take"))


def test_the_first_start_does_not_train(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        assert await train_nightly(shop.world) == 0
        assert await last_night(shop.world) is None

    run(server, "take", story)


@pytest.mark.prove("engine")
def test_a_better_model_waits_for_a_person_and_has_to_be_beaten(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await train_nightly(shop.world)
        await lived(shop)
        first = await trained(shop)
        assert (first.result, first.mode, first.compared_with) == (
            "candidate",
            "candidate",
            PLAIN_RATES,
        )
        rows, taken = await listed(shop.world)
        assert taken is None
        assert [(row.name, row.made_by, row.state) for row in rows] == [
            (first.model, "worker:training", "candidate")
        ]
        again = await trained(shop)
        assert (again.result, again.model) == ("not_better", first.model)
        assert "already exists" in again.note
        await lived(shop, seed=2, payers=40)
        assert (await trained(shop)).compared_with == first.model, (
            "the plain rates were beaten already"
        )
        await take(shop.world, first.model, Actor("operator", "anna"))
        assert (await trained(shop)).compared_with == first.model

    run(server, "candidate", story)


def test_a_better_model_is_taken_where_the_operator_said_so(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await train_nightly(shop.world)
        await lived(shop)
        found = await trained(shop)
        _, taken = await listed(shop.world)
        assert (found.result, taken) == ("taken", found.model)
        assert found.score < found.compared_score

    run(server, "take", story)


def test_too_little_is_said_with_what_lacks(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await train_nightly(shop.world)
        found = await trained(shop)
        assert (found.result, found.model) == ("too_little", None)
        assert "500 more repeated attempts" in found.note

    run(server, "take", story)


def test_with_too_much_for_its_memory_it_leaves_customers_out_whole(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        await lived(shop)
        since = WallTime(shop.world.clocks.wall() - timedelta(days=30))
        everything, some = await gather(shop.world, since), await gather(shop.world, since, 1000)
        assert everything is not None
        assert some is not None
        assert len(some.attempts) <= 1000 < len(everything.attempts)
        tries = [
            Counter(Counter(found.attempts.order.tolist()).values()) for found in (some, everything)
        ]
        assert all(tries[0][number] <= tries[1][number] for number in tries[0])
        assert 0.1 < some.attempts.payers / everything.attempts.payers < 0.6
        assert abs(tries[0].total() / some.attempts.payers - 4) < 0.5, (
            "each customer with all of its orders"
        )
        monkeypatch.setattr(nightly, "ATTEMPTS_MAX", 1000)
        assert (await train(shop.world, "take"))["attempts"] == len(some.attempts)

    run(server, "take", story)


@pytest.mark.parametrize("at_once", [True, False])
def test_of_two_workers_one_trains(server: ServerAddress, at_once: bool) -> None:
    async def story(shop: Shop) -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def trainer(mode: str) -> Row:
            begun.set()
            await go_on.wait()
            return {"result": "failed", "note": "nothing to see"}

        await train_nightly(shop.world)
        await night(shop)
        other = replace(shop.world, trainer=trainer)
        first = asyncio.create_task(beside(other, trainer))
        await begun.wait()
        if at_once:
            assert await beside(shop.world, trainer) == 0, "it is leased"
        go_on.set()
        assert await first == 1
        assert await train_nightly(shop.world) == 0, "it was done this night"
        assert (await last_night(shop.world)).note == "nothing to see"

    run(server, "take", story)


def test_after_a_killed_worker_another_trains_when_the_lease_is_over(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await train_nightly(shop.world)
        await night(shop)

        async def trainer(mode: str) -> Row:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            await beside(shop.world, trainer)
        assert await train_nightly(shop.world) == 0
        assert LEASED > PROCESS_MAX, "the process of the first has ended by then"
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE upkeep SET lease_until = now() WHERE task = 'training'"
            )
        assert await train_nightly(shop.world) == 1

    run(server, "take", story)


def test_where_it_is_off_nothing_happens(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await train_nightly(shop.world)
        assert await shop.value("SELECT count(*) FROM upkeep WHERE task = 'training'") == 0

    run(server, "off", story)


@pytest.mark.parametrize(
    ("now", "hour", "last"),
    [
        ("2026-05-04T03:00:00", 3, "2026-05-04T03:00:00"),
        ("2026-05-04T02:59:59", 3, "2026-05-03T03:00:00"),
        ("2026-05-04T23:59:00", 0, "2026-05-04T00:00:00"),
        ("2026-03-01T00:00:00", 23, "2026-02-28T23:00:00"),
    ],
)
def test_the_last_night(now: str, hour: int, last: str) -> None:
    found = night_before(datetime.fromisoformat(now).replace(tzinfo=UTC), hour)
    assert found == datetime.fromisoformat(last).replace(tzinfo=UTC)
    assert found > datetime.fromisoformat(now).replace(tzinfo=UTC) - timedelta(days=1)
