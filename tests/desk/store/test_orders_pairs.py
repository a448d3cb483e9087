"""Every filter of the lists, alone and with every other: what it finds; many orders are never read
through."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import Any

import asyncpg
import pytest
from tests import rings
from tests.databases import drop, empty
from tests.order_rows import BEGIN, make_merchant, make_orders, vacuumed
from tests.rings import deep

from recoup.db.pool import Database
from recoup.db.server import ServerAddress
from recoup.desk.store.order_counts import count_orders
from recoup.desk.store.order_filter import OrderFilter
from recoup.desk.store.orders import list_orders_page

MANY = 50_000 if rings.proving == "scale" else 15_000
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Shop:
    dsn: str
    merchant_id: uuid.UUID
    sites: list[uuid.UUID]
    some: list[uuid.UUID]


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    name = f"pairs_{uuid.uuid4().hex[:12]}"

    async def make() -> Shop:
        dsn = await empty(server, "world", name)
        connection = await asyncpg.connect(dsn)
        merchant_id, sites = await make_merchant(connection, sites=3)
        await make_orders(connection, merchant_id, sites, MANY)
        await vacuumed(connection)
        some = await connection.fetch(
            "SELECT order_id FROM order_heads ORDER BY placed_at DESC LIMIT 200"
        )
        await connection.close()
        return Shop(dsn, merchant_id, sites, [row["order_id"] for row in some])

    yield asyncio.run(make())
    asyncio.run(drop(server, name))


def filters(shop: Shop) -> dict[str, tuple[dict[str, Any], str]]:
    """name -> what the filter says, and the same as a plain condition on order_heads."""
    two, eight, ten = BEGIN + 2 * DAY, BEGIN + 8 * DAY, BEGIN + 10 * DAY
    names = tuple(f"SUB-{number}" for number in range(MANY - 100, MANY + 100))
    return {
        "status": ({"statuses": (3,)}, "status = 3"),
        "statuses": ({"statuses": (7, 6)}, "status IN (6, 7)"),
        "site": ({"site_id": shop.sites[2]}, f"site_id = '{shop.sites[2]}'"),
        "mit": ({"channels": ("mit",)}, "order_type = 'MIT'"),
        "cit": ({"channels": ("cit_web", "cit_callcenter")}, "order_type = 'CIT'"),
        "source": ({"source": "callcenter"}, "source = 'callcenter'"),
        "currency": ({"asset": "JPY"}, "asset = 'JPY'"),
        "descriptor": ({"descriptor": "RARE*TEA"}, "descriptor = 'RARE*TEA'"),
        "amount": ({"units_from": 40_000, "units_to": 40_500}, "units BETWEEN 40000 AND 40500"),
        "refunded": ({"refunded": True}, "refunded_units > 0"),
        "not refunded": ({"refunded": False}, "refunded_units = 0"),
        "placed": (
            {"placed_from": two, "placed_to": ten},
            f"placed_at >= '{two}' AND placed_at < '{ten}'",
        ),
        "created": (
            {"created_from": two, "created_to": eight},
            f"created_at >= '{two}' AND created_at < '{eight}'",
        ),
        "reason": ({"reasons": ("declined",)}, "reason = 'declined'"),
        "code": ({"code": "51"}, "decline_code = '51'"),
        "brand": ({"scheme": "amex"}, "card_scheme = 'amex'"),
        "issuer": ({"bin": "411111"}, "card_bin = '411111'"),
        "ids": (
            {"order_ids": tuple(shop.some)},
            f"order_id = ANY('{{{','.join(map(str, shop.some))}}}')",
        ),
        "reference numbers": (
            {"tails": tuple(str(one)[-8:] for one in shop.some)},
            f"right(order_id::text, 8) = ANY('{{{','.join(str(one)[-8:] for one in shop.some)}}}')",
        ),
        "external ids": (
            {"external_ids": names},
            f"placed_at >= '{BEGIN + timedelta(minutes=MANY - 100)}'",
        ),
    }


HEADS = "order_heads_decided"


async def scans(connection: asyncpg.Connection) -> dict[str, int]:
    """How often each table was read through so far."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await connection.fetchval("SELECT 1")
    rows = await connection.fetch(
        "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname IN"
        " ('order_heads_decided', 'orders', 'order_payer', 'order_refs', 'order_search')"
    )
    return {row["relname"]: row["seq_scan"] for row in rows}


def run(shop: Shop, work: Any) -> None:
    async def inside() -> None:
        database = await Database(shop.dsn, size=1).open()
        try:
            async with database.connection() as connection:
                await work(connection)
        finally:
            await database.close()

    asyncio.run(inside())


async def _check(
    connection: asyncpg.Connection,
    beside: asyncpg.Connection,
    shop: Shop,
    wanted: OrderFilter,
    plain: str,
) -> None:
    """Page, total and rows as the wire shows them, against a plain look at the same table, which is
    not counted."""
    expected = await beside.fetch(
        "SELECT order_id, count(*) OVER () AS n FROM order_heads"
        f" WHERE merchant_id = $1 AND door = 'rescue' AND {plain}"
        " ORDER BY placed_at DESC, order_id DESC LIMIT 20",
        shop.merchant_id,
    )
    before = await scans(connection)
    rows = await list_orders_page(connection, wanted, size=20)
    count = await count_orders(connection, wanted, exact=True)
    after = await scans(connection)
    assert [row.order_id for row in rows] == [row["order_id"] for row in expected], wanted
    assert (count.value, count.exact) == (expected[0]["n"] if expected else 0, True), wanted
    assert after == before, f"read through for {wanted}"


@deep("scale")
@pytest.mark.timeout(300)
def test_each_filter_alone_and_with_each_other(shop: Shop) -> None:
    every = filters(shop)

    async def work(connection: asyncpg.Connection) -> None:
        beside = await asyncpg.connect(shop.dsn)
        await beside.execute(
            "SET enable_seqscan = off"
        )  # the comparison must not be counted as a scan
        try:
            for names in [*((name,) for name in every), *combinations(every, 2)]:
                said: dict[str, Any] = {}
                for name in names:
                    said |= every[name][0]
                if len(said) < sum(len(every[name][0]) for name in names):
                    continue  # two values of one filter
                wanted = OrderFilter(shop.merchant_id, door="rescue", **said)
                if set(names) <= {
                    "ids",
                    "external ids",
                    "reference numbers",
                }:  # any way of naming them
                    plain = " OR ".join(f"({every[name][1]})" for name in names)
                    plain = f"({plain})"
                else:
                    plain = " AND ".join(f"({every[name][1]})" for name in names)
                await _check(connection, beside, shop, wanted, plain)
        finally:
            await beside.close()

    run(shop, work)


def test_a_scan_would_be_seen(shop: Shop) -> None:
    """So that the test above can fail."""

    async def work(connection: asyncpg.Connection) -> None:
        before = await scans(connection)
        await connection.fetchval("SELECT count(*) FROM order_heads h WHERE h::text = '77'")
        assert (await scans(connection))[HEADS] > before[HEADS]

    run(shop, work)


@pytest.mark.parametrize("order_by", ["placed", "created", "amount"])
def test_named_orders_come_in_each_order(shop: Shop, order_by: Any) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        wanted = OrderFilter(shop.merchant_id, order_ids=tuple(shop.some[:50]))
        page = await list_orders_page(
            connection, wanted, size=100, order_by=order_by, descending=False
        )
        keys = [
            {"placed": row.placed_at, "created": row.created_at or BEGIN, "amount": row.units}[
                order_by
            ]
            for row in page
        ]
        assert len(keys) == 50
        assert keys == sorted(keys)

    run(shop, work)
