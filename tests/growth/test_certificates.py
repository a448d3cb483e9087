"""A month's certificate costs what the month holds, however many months and other merchants' sends
lie beside it."""

import asyncio
from datetime import datetime

import pytest
from tests.certificates.flows.test_certificates import newest, to_the_close
from tests.growth.day import Cost, Statements, grown
from tests.growth.ground import CountingServer, counting_server
from tests.growth.test_growth import MOST, SLACK
from tests.rescue.flows.test_card_limits import PATIENT, started, try_now
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.roles import APP, READ
from recoup.insight.flows.certify import certify_month
from recoup.networks.magic import script_card

pytestmark = pytest.mark.prove("growth")

FEW, MANY = 200, 4_000  # copies of a month
LEAST_MET = 8  # statements that were met on both
# Half of the copies are other merchants' of the same month, on cards of their own; the others of
# months before it.
ORIGINALS = (
    "SELECT array_agg(card_id) FROM cards", "SELECT array_agg(send_id) FROM network_sends",
    "SELECT array_agg(decision_id) FROM decisions",
)  # fmt: skip
COPY_CARDS = """
INSERT INTO cards SELECT (jsonb_populate_record(c, jsonb_build_object('card_id',
  md5(c.card_id::text || n)::uuid))).*
FROM cards c, generate_series($1::int, $2::int) n WHERE c.card_id = ANY($3)
"""
COPY_SENDS = """
INSERT INTO network_sends SELECT (jsonb_populate_record(s, jsonb_build_object(
  'card_id', md5(s.card_id::text || n)::uuid, 'send_id', gen_random_uuid(),
  'merchant_id', CASE n % 2 WHEN 0 THEN s.merchant_id ELSE md5('other' || n % 7)::uuid END,
  'at', CASE n % 2 WHEN 0 THEN s.at - interval '40 days' - n * interval '6 hours' ELSE s.at END))).*
FROM network_sends s, generate_series($1::int, $2::int) n WHERE s.send_id = ANY($3)
"""
COPY_DECISIONS = """
INSERT INTO decisions SELECT (jsonb_populate_record(d, jsonb_build_object(
  'decision_id', gen_random_uuid(), 'at', d.at - interval '40 days' - n * interval '6 hours'))).*
FROM decisions d, generate_series($1::int, $2::int) n WHERE d.decision_id = ANY($3)
"""


def test_a_certificate_costs_the_same_after_many_months() -> None:
    with counting_server() as server:
        asyncio.run(_story(server))


async def _story(server: CountingServer) -> None:
    async with sandbox_world(server, policy=PATIENT) as made:
        shop = await make_shop(*made)
        order_id = await started(shop, script_card("visa", "51", 99))
        assert [await try_now(shop, order_id) for _ in range(22)] == ["declined"] * 19 + [None] * 3
        begin = await to_the_close(shop)
        shown = await newest(shop)
        statements = Statements(server.dsn("postgres"), made[0].database)
        async with owner(made[0]) as connection:
            originals = [await connection.fetchval(sql) for sql in ORIGINALS]

        async def after(first: int, last: int) -> dict[int, Cost]:
            """What it costs once those copies are there, too."""
            async with owner(made[0]) as connection:
                for sql, ids in zip(
                    (COPY_CARDS, COPY_SENDS, COPY_DECISIONS), originals, strict=True
                ):
                    await connection.execute(sql, first, last, ids)
                await connection.execute("ANALYZE")
            await _again(shop, begin, statements, server.user)  # what a connection reads once
            return await _again(shop, begin, statements, server.user)

        few, many = await after(1, FEW), await after(FEW + 1, MANY)
        assert shown.head["sends"] == 19
        assert len(few.keys() & many.keys()) >= LEAST_MET
        more = grown(few, many, most=MOST, slack=SLACK)
        assert not more, [
            f"{one.buffers:.0f} -> {two.buffers:.0f} blocks: {two.sql[:200]}" for one, two in more
        ]


async def _again(shop: Shop, begin: datetime, statements: Statements, user: str) -> dict[int, Cost]:
    """What it costs to count the month again, which finds the same, and to read it."""
    found: dict[int, Cost] = {}
    counting = statements.counted(found, APP, READ, user)
    await asyncio.to_thread(counting.__enter__)
    assert await certify_month(shop.world, shop.merchant_id, begin) == []
    await newest(shop)
    await asyncio.to_thread(counting.__exit__, None, None, None)
    return found
