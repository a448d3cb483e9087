"""A machine whose clock is far from its database's: it does not start, and it tells when that happens later."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.flows.test_two_clocks import FAR, Shifted
from tests.worlds import sandbox_world

from recoup.kernel.problem import Problem
from recoup.kernel.time import DatabaseClocks
from recoup.main import clock_watch
from recoup.main.clock_watch import check_clock, watched
from recoup.store.pool import Database
from recoup.store.server import ServerAddress


@pytest.mark.parametrize(("by", "where"), [(FAR, "ahead of"), (-FAR, "behind"), (timedelta(seconds=3.5), "ahead of")])
def test_a_machine_with_a_wrong_clock_does_not_start(server: ServerAddress, by: timedelta, where: str) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            with pytest.raises(Problem, match=where) as refused:
                await check_clock(world.extra["dsn"], Shifted(by))
            assert "\n" not in refused.value.sentence()
            clocks = DatabaseClocks(Shifted(by))
            db = await Database(world.extra["dsn"], size=1, clocks=clocks).open()
            try:
                with pytest.raises(Problem, match=where):
                    async with watched(db, clocks, "worker"):
                        raise AssertionError("it started")
            finally:
                await db.close()
            await check_clock(world.extra["dsn"])

    asyncio.run(story())


def test_a_clock_that_goes_wrong_later_is_told(server: ServerAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    told = asyncio.Queue[dict[str, Any]]()
    monkeypatch.setattr(clock_watch, "EVERY_SECONDS", 0.05)
    monkeypatch.setattr(clock_watch.log, "warning", lambda event, **said: told.put_nowait({"event": event} | said))

    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            machine = Shifted(timedelta(0))
            clocks = DatabaseClocks(machine)
            db = await Database(world.extra["dsn"], size=1, clocks=clocks).open()
            try:
                async with watched(db, clocks, "worker"):
                    machine.by = FAR
                    said = await asyncio.wait_for(told.get(), 30)
                    assert said["event"] == "clock skew"
                    assert said["ahead_seconds"] == pytest.approx(FAR.total_seconds(), abs=2)
            finally:
                await db.close()

    asyncio.run(story())
