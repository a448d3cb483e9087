"""Very many due orders of one merchant do not delay those of others: due work is taken in turn
while more waits than there is room for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kit.world import World
from recoup.orders.store.due_work import Due
from recoup.rescue.flows import run_due
from recoup.rescue.flows.run_due import BATCH, IN_FLIGHT_MAX, IN_TURN_MAX, DueWork

_WORK = """
INSERT INTO due_work (merchant_id, kind, subject_id, due_at, wall)
SELECT $1, 'unresolved', unnest($2::uuid[]), $3, true
"""


@asynccontextmanager
async def two(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Shop, Shop, list[UUID]]]:
    """A merchant with very many and one with a few; and whose work has begun, none of which ends by
    itself."""
    begun: list[UUID] = []

    async def slow(_world: World, _orders: object, due: Due) -> None:
        begun.append(due.merchant_id)
        await asyncio.sleep(60)

    monkeypatch.setattr(run_due, "FLOWS", {**run_due.FLOWS, "unresolved": slow})
    monkeypatch.setattr(run_due, "BEGUN_ANEW", frozenset({"unresolved"}))
    monkeypatch.setattr(run_due, "TURN_SECONDS", 0.0)
    async with sandbox_world(server) as (world, orders, deliveries):
        yield (
            await make_shop(world, orders, deliveries),
            await make_shop(world, orders, deliveries),
            begun,
        )


async def work(shop: Shop, count: int, age: timedelta) -> None:
    at = shop.world.clocks.wall() - age
    async with shop.world.db.connection() as connection:
        await connection.execute(_WORK, shop.merchant_id, [new_id() for _ in range(count)], at)


def test_an_order_is_retried_at_once_beside_thousands_of_another_merchant(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with two(server, monkeypatch) as (many, few, begun):
            await work(many, 3_000, timedelta(hours=1))
            await work(few, 2, timedelta(seconds=1))
            due = DueWork(many.world, many.orders)
            await due.claim()
            await asyncio.sleep(0.05)
            assert begun.count(few.merchant_id) == 2
            assert begun.count(many.merchant_id) >= BATCH, "the oldest are not kept waiting"
            await due.drain()

    asyncio.run(story())


def test_an_order_is_retried_while_slow_calls_of_another_merchant_have_all_places(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with two(server, monkeypatch) as (many, few, begun):
            await work(many, 3_000, timedelta(hours=1))
            due = DueWork(many.world, many.orders)
            for _ in range(3 * IN_FLIGHT_MAX // BATCH):
                await due.claim()
            await work(few, 2, timedelta(seconds=1))
            for _ in range(3):
                await due.claim()
            await asyncio.sleep(0.05)
            assert begun.count(few.merchant_id) == 2
            assert IN_FLIGHT_MAX < len(begun) <= IN_FLIGHT_MAX + IN_TURN_MAX
            await due.drain()

    asyncio.run(story())


def test_each_of_many_merchants_has_its_turn(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_due, "MERCHANTS_IN_TURN", 2)

    async def story() -> None:
        async with two(server, monkeypatch) as (many, few, begun):
            others = [
                few,
                *[await make_shop(many.world, many.orders, many.deliveries) for _ in range(4)],
            ]
            await work(many, 3_000, timedelta(hours=1))
            for shop in others:
                await work(shop, 1, timedelta(seconds=1))
            due = DueWork(many.world, many.orders)
            for _ in range(3):
                await due.claim()
            await asyncio.sleep(0.05)
            assert {shop.merchant_id for shop in others} <= set(begun)
            await due.drain()

    asyncio.run(story())
