"""A database of 0.1.0 with what merchants did in it is upgraded, proves clean, and goes on."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from tests.databases import drop
from tests.db.test_schema import fresh
from tests.rings import each
from tests.upgrade import small_world
from tests.upgrade.same_schema import schema_text
from tests.worlds import make_shop, sandbox_world

from recoup.db.migrate import migrate, migrations_of
from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.refunds.flows.refund import RefundRequest, refund

_A_PAGE = """
INSERT INTO page_lines SELECT merchant_id, page_no, position, posting_id FROM postings
WHERE (merchant_id, page_no) = (SELECT merchant_id, page_no FROM pages ORDER BY 1, 2 LIMIT 1)
"""
_LINES_LACK = """
SELECT g.merchant_id, g.page_no FROM pages g LEFT JOIN page_lines l USING (merchant_id, page_no)
GROUP BY g.merchant_id, g.page_no HAVING count(l.posting_id) <> g.postings
"""
_A_CHARGE = """
INSERT INTO charges SELECT merchant_id, attempt_id, reference, card_last4, units, asset, closed_at
FROM attempts WHERE state = 'approved' LIMIT 1
"""
_CHARGES_LACK = """
SELECT a.attempt_id FROM attempts a LEFT JOIN charges c USING (merchant_id, attempt_id)
LEFT JOIN wire_keys k ON (k.key, k.movement_id) = (a.key, a.attempt_id)
WHERE a.state = 'approved' AND c.units IS NULL OR a.key IS DISTINCT FROM k.key
"""
# Migrations that fill in rows: what they may have written before a stop, and what then lacks.
FILLED = {92: (_A_PAGE, _LINES_LACK), 96: (_A_CHARGE, _CHARGES_LACK)}
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


@pytest.mark.timeout(300)
@each("number", FILLED)
def test_rows_that_were_filled_in_before_a_stop_are_passed_by(
    server: ServerAddress, number: int
) -> None:
    a_row, lacking = FILLED[number]

    async def story() -> None:
        async with fresh(server) as dsn:
            await asyncio.to_thread(small_world.restore, KEPT, dsn)
            until = [one for one in migrations_of("world") if one.number < number]
            await migrate(dsn, "world", world="sandbox", migrations=until)
            connection = await asyncpg.connect(dsn)
            try:
                assert await connection.execute(a_row) != "INSERT 0 0"
                await migrate(dsn, "world", world="sandbox")
                assert await connection.fetch(lacking) == []
            finally:
                await connection.close()

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
