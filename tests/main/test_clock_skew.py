"""A machine whose clock is far from its database's: it does not start, and it tells when that
happens later."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from tests.rescue.flows.test_two_clocks import FAR, Shifted
from tests.worlds import sandbox_world

from recoup.db.pool import Database
from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.time import DatabaseClocks, WallTime
from recoup.main import databases
from recoup.main.databases import check_clock, watched


@pytest.mark.parametrize(
    ("by", "where"), [(FAR, "ahead of"), (-FAR, "behind"), (timedelta(seconds=3.5), "ahead of")]
)
def test_a_machine_with_a_wrong_clock_does_not_start(
    server: ServerAddress, by: timedelta, where: str
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            with pytest.raises(Problem, match=where) as refused:
                await check_clock(world.dsn, Shifted(by))
            assert "\n" not in refused.value.sentence()
            clocks = DatabaseClocks(Shifted(by))
            db = await Database(world.dsn, size=1, clocks=clocks).open()
            try:
                with pytest.raises(Problem, match=where):
                    async with watched(db, clocks, "worker"):
                        raise AssertionError("it started")
            finally:
                await db.close()
            await check_clock(world.dsn)

    asyncio.run(story())


def test_a_clock_that_goes_wrong_later_is_told(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = asyncio.Queue[dict[str, Any]]()
    monkeypatch.setattr(databases, "EVERY_SECONDS", 0.05)
    monkeypatch.setattr(
        databases.log, "warning", lambda event, **said: told.put_nowait({"event": event} | said)
    )

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            machine = Shifted(timedelta(0))
            clocks = DatabaseClocks(machine)
            db = await Database(world.dsn, size=1, clocks=clocks).open()
            try:
                async with watched(db, clocks, "worker"):
                    machine.by = FAR
                    said = await asyncio.wait_for(told.get(), 30)
                    assert said["event"] == "clock skew"
                    assert said["ahead_seconds"] == pytest.approx(FAR.total_seconds(), abs=2)
            finally:
                await db.close()

    asyncio.run(story())


def test_a_slow_answer_of_the_database_is_no_wrong_clock(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that was busy at the start kept every process from starting."""

    class Slow(Shifted):
        """Ten seconds pass between question and answer, the answer being of the first moment."""

        passed = 0.0

        def wall(self) -> WallTime:
            return WallTime(super().wall() + timedelta(seconds=self.passed))

        def monotonic(self) -> float:
            self.passed += 10.0
            return super().monotonic() + self.passed

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            await check_clock(world.dsn, Slow(timedelta(0)))
            with pytest.raises(Problem, match="ahead of"):
                await check_clock(world.dsn, Slow(FAR))

    asyncio.run(story())


def test_the_clock_is_followed_on_after_any_error(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first error that was no Problem ended it, and nothing said so."""
    told = asyncio.Queue[str]()
    monkeypatch.setattr(databases, "EVERY_SECONDS", 0.05)
    monkeypatch.setattr(databases.log, "warning", lambda event, **_: told.put_nowait(event))

    class Broken(Database):
        is_broken = False

        async def measure(self) -> None:
            if self.is_broken:
                raise RuntimeError("the driver broke")
            await super().measure()

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            machine = Shifted(timedelta(0))
            clocks = DatabaseClocks(machine)
            db = await Broken(world.dsn, size=1, clocks=clocks).open()
            try:
                async with watched(db, clocks, "worker"):
                    db.is_broken = True
                    assert await asyncio.wait_for(told.get(), 30) == "clock not measured"
                    db.is_broken = False
                    machine.by = FAR
                    while await asyncio.wait_for(told.get(), 30) != "clock skew":
                        pass
            finally:
                await db.close()

    asyncio.run(story())


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no such clock")
def test_a_machine_that_slept_for_an_hour_knows_how_late_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The hour was missing until the next measurement: leases seemed to hold, and sends to be in
    time."""
    clocks, read = DatabaseClocks(), time.clock_gettime
    before = clocks.monotonic()
    clocks.measured(clocks.wall(), before, before)
    was = clocks.wall()
    monkeypatch.setattr(
        time, "clock_gettime", lambda which: read(which) + 3600 * (which == time.CLOCK_BOOTTIME)
    )
    assert clocks.wall() - was >= timedelta(hours=1)
    assert clocks.monotonic() - before >= 3600
