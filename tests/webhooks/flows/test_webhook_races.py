"""Events that are fed while the one before them is just delivered."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.orders.rules.events import CATALOGUE
from recoup.orders.store.closer import feed_events, lock_closer
from recoup.webhooks.flows import endpoints
from recoup.webhooks.flows.publish import publish
from recoup.webhooks.store.lanes import FinishedLane, Lane, claim_lanes, due_endpoints, finish_lanes


def test_an_event_fed_while_its_orders_lane_ends_is_delivered(server: ServerAddress) -> None:
    """What the merchant saw: an order's last webhook never came."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            world = made[0]
            shop = await make_shop(*made)
            await endpoints.create(
                world, shop.scope, "http://127.0.0.1:9/hook", list(CATALOGUE), "rescue"
            )
            given = await shop.declined()
            order_id = (await shop.evaluate.evaluate(shop.scope, given)).order_id
            await publish(world, shop.merchant_id)
            wall = world.clocks.wall()
            async with world.db.connection() as connection:
                lane = (await claim(connection, wall))[0]
            assert lane.next_seq == 1
            await shop.transmitted(
                given.external_id, declined=False
            )  # the next event: cancelled, paid elsewhere

            taken = FinishedLane(
                merchant_id=shop.merchant_id,
                endpoint_id=lane.endpoint_id,
                lane_id=lane.lane_id,
                subject_id=order_id,
                seq=1,
                fails=1,
                tries=1,
                lease_until=lane.lease_until,
                retry_at=None,
                disable=None,
                switched=False,
                url=lane.url,
            )
            async with world.db.transaction() as delivering:
                # The delivery is being written: the lane is locked, its next event not yet looked
                # for.
                await delivering.fetch(
                    "SELECT 1 FROM lanes WHERE merchant_id = $1 FOR UPDATE", shop.merchant_id
                )
                fed, commit = asyncio.Event(), asyncio.Event()
                feeding = asyncio.create_task(feed_and_wait(shop, fed, commit))
                await _until_fed_or_waiting(fed, world)
                await finish_lanes(delivering, [taken], [], wall)
            commit.set()
            await feeding
            async with world.db.connection() as connection:
                lanes = await claim(connection, world.clocks.wall() + timedelta(minutes=2))
            assert [row.event for row in lanes] == ["order.cancelled"]

    asyncio.run(story())


async def claim(connection: Any, wall: datetime) -> list[Lane]:
    places = dict.fromkeys(await due_endpoints(connection, wall), 10)
    return await claim_lanes(connection, wall, places)


async def feed_and_wait(shop: Shop, fed: asyncio.Event, commit: asyncio.Event) -> None:
    """As the flow does it, with a pause before the commit."""
    async with shop.world.db.transaction() as tx:
        assert await lock_closer(tx, shop.merchant_id)
        assert await feed_events(tx, shop.merchant_id, 100, shop.world.clocks.wall())
        fed.set()
        await commit.wait()


async def _until_fed_or_waiting(fed: asyncio.Event, world: Any) -> None:
    sql = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
        "wait_event_type = 'Lock'"
    )
    async with owner(world) as connection:
        for _ in range(200):
            if fed.is_set() or await connection.fetchval(sql):
                return
            await asyncio.sleep(0.01)
    raise AssertionError("the feed neither waits nor ends")
