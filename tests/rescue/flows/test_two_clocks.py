"""Two machines whose clocks disagree: what is out is not sent again, and what is leased stays
leased."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.left_processes import second_process
from tests.worlds import POLICY, Shop, make_shop, sandbox_world

from recoup.db.pool import Database
from recoup.db.server import ServerAddress
from recoup.kernel.time import Clocks, DatabaseClocks, WallTime
from recoup.kit.world import World
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.run_due import run_due

FAR = timedelta(minutes=5)
PATIENT = replace(
    POLICY, call_timeout=timedelta(seconds=90)
)  # the first call is out for as long as the test takes


class Shifted(Clocks):
    """A machine whose wall clock somebody set wrong."""

    __setattr__ = object.__setattr__

    def __init__(self, by: timedelta) -> None:
        self.by = by

    def wall(self) -> WallTime:
        return WallTime(super().wall() + self.by)


class Held:
    """A processor whose first charge is on its way until it is let go."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.out, self.go = inner, asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def charge(self, charge: Any) -> Any:
        self.out.set()
        await self.go.wait()
        return await self.inner.charge(charge)


@asynccontextmanager
async def other_machine(world: World, machine: Clocks) -> AsyncIterator[World]:
    """A process elsewhere, its world as `main` makes it: the clocks follow the database's."""
    clocks = DatabaseClocks(machine)
    db = await Database(world.dsn, size=4, name="elsewhere", clocks=clocks).open()
    async with second_process(world) as second:
        try:
            await db.measure()
            yield replace(second, db=db, clocks=clocks)
        finally:
            await db.close()


@pytest.mark.parametrize("by", [FAR, -FAR])
def test_a_charge_that_is_out_is_not_sent_again_by_a_machine_that_is_ahead(
    server: ServerAddress, by: timedelta
) -> None:
    async def story() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            shop = await make_shop(*made)
            held = Held(shop.world.processors["sandbox"])
            shop.world.processors["sandbox"] = held
            first = asyncio.create_task(
                shop.ask(is_mit=False, days=None, code="05")
            )  # sent at once
            await asyncio.wait_for(held.out.wait(), 60)
            order_id = await shop.value("SELECT order_id FROM orders LIMIT 1")
            async with other_machine(shop.world, Shifted(by)) as elsewhere:
                elsewhere.processors["sandbox"].settled_after = timedelta(seconds=1)
                orders = Orders(elsewhere)
                for _ in range(3):
                    await run_due(elsewhere, orders, merchant_id=shop.merchant_id)
                    await asyncio.sleep(0.3)
                assert await _attempts(shop, order_id) == [("open", 1, 0)]
            held.go.set()
            await first
            await shop.settle()
            assert [sends for _, sends, _ in await _attempts(shop, order_id)] == [1]

    asyncio.run(story())


async def _attempts(shop: Shop, order_id: Any) -> list[tuple[str, int, int]]:
    """State, how often it was sent, how often the processor was heard not to know it."""
    sql = "SELECT state, sends, not_found FROM attempts WHERE merchant_id = $1 AND order_id = $2"
    async with shop.world.db.connection() as connection:
        return [tuple(row) for row in await connection.fetch(sql, *shop.key(order_id))]


def test_both_machines_read_the_databases_time(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, _, _):
            async with (
                other_machine(world, Shifted(FAR)) as ahead,
                other_machine(world, Shifted(-FAR)) as behind,
            ):
                apart = (ahead.clocks.wall() - behind.clocks.wall()) / timedelta(seconds=1)
                assert abs(apart) < 2
                assert isinstance(ahead.clocks, DatabaseClocks)
                assert isinstance(behind.clocks, DatabaseClocks)
                assert ahead.clocks.ahead_seconds == pytest.approx(FAR.total_seconds(), abs=2)
                assert behind.clocks.ahead_seconds == pytest.approx(-FAR.total_seconds(), abs=2)

    asyncio.run(story())


def test_a_clock_that_is_set_anew_while_it_runs_moves_nothing() -> None:
    class Machine(Shifted):
        now = 100.0

        def monotonic(self) -> float:
            return self.now

    at = datetime(2026, 11, 20, tzinfo=UTC)
    machine = Machine(timedelta(0))
    clocks = DatabaseClocks(machine)
    clocks.measured(at, 100.0, 100.002)
    machine.by, machine.now = timedelta(days=400), 110.001
    assert clocks.wall() == at + timedelta(seconds=10)
    # An answer that took long says less than the quick one did, unless that is long ago.
    clocks.measured(at + timedelta(seconds=30), 110.0, 130.0)
    assert clocks.wall() == at + timedelta(seconds=10)
    machine.now = 120.0
    clocks.measured(at + timedelta(seconds=25), 119.999, 120.001)
    assert clocks.wall() == at + timedelta(seconds=25)
