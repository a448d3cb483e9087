"""A database of 0.1.0 with what merchants did in it is upgraded, proves clean, and goes on."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.databases import drop
from tests.db.test_schema import fresh
from tests.upgrade import small_world
from tests.upgrade.same_schema import schema_text
from tests.worlds import make_shop, sandbox_world

from recoup.db.migrate import migrate
from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.refunds.flows.refund import RefundRequest, refund

KEPT = Path(__file__).parent / "0.1.0" / small_world.WORLD


@pytest.mark.timeout(300)
def test_a_database_of_0_1_0_is_upgraded_and_goes_on(server: ServerAddress) -> None:
    async def story() -> None:
        async with fresh(server) as dsn, fresh(server) as made:
            await asyncio.to_thread(small_world.restore, KEPT, dsn)
            await migrate(dsn, "world", world="sandbox")
            await migrate(made, "world", world="sandbox")
            assert schema_text(dsn) == schema_text(made)
            with small_world.its_keys():
                await _goes_on(server, urlsplit(dsn).path.lstrip("/"))

    asyncio.run(story())


async def _goes_on(server: ServerAddress, database: str) -> None:
    async with sandbox_world(server, template=database, keep=True) as (world, orders, deliveries):
        proven = await verify(world)
        assert proven.differences == [], proven.differences
        shop = await make_shop(world, orders, deliveries)
        order_id = await shop.admit()
        await shop.advance(timedelta(days=4))
        assert (await shop.order(order_id))["stage"] == "completed"
        sql = "SELECT merchant_id, order_id FROM orders WHERE external_id = 'THIRD-TIME'"
        merchant_id, former = (await world.db.fetch(sql))[0]
        answer = await refund(
            world,
            orders,
            replace(shop.scope, merchant_id=merchant_id),
            former,
            RefundRequest(all=True),
        )
        assert answer.units == 4590
    await drop(server, world.database)
