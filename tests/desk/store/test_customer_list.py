"""The list of customers: pages against the whole, and what they cost."""

import uuid
from datetime import datetime, timedelta

import asyncpg
import pytest
from tests.desk.store.test_orders_read import Shop, run
from tests.desk.store.test_orders_read import shop as shop
from tests.order_rows import vacuumed

from recoup.desk.store import customers
from recoup.desk.store.customers import (
    BEGIN,
    COUNTED_MAX,
    ListedCustomer,
    Place,
    count_customers,
    customers_of,
    list_customers,
    these_customers,
)

# Of every merchant: one customer with a tenth of all orders, others with some four; a few without
# any.
_NAMED = """
UPDATE order_payer p SET payer_id = CASE WHEN o.units % 10 = 3 THEN md5(p.merchant_id::text)::uuid
  ELSE md5(p.merchant_id::text || (o.units * 7 % 5003))::uuid END
FROM orders o WHERE o.merchant_id = p.merchant_id AND o.order_id = p.order_id
"""
_KNOWN = """
INSERT INTO payers (merchant_id, payer_id, email, name, first_seen_at)
SELECT p.merchant_id, p.payer_id, min(p.email), 'First ' || min(p.first_name), date_trunc('hour',
  min(o.placed_at))
FROM order_payer p JOIN orders o USING (merchant_id, order_id) GROUP BY 1, 2
UNION ALL SELECT merchant_id, gen_random_uuid(), 'only@transmitted.test', 'Only Transmitted', now()
FROM merchants, generate_series(1, 3)
"""


@pytest.fixture(scope="module", autouse=True)
def known(shop: Shop) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        owner = await asyncpg.connect(shop.dsn)
        await owner.execute(_NAMED)
        await owner.execute(_KNOWN)
        await vacuumed(owner)
        await owner.close()

    run(shop, work)


def test_pages_are_all_customers_once_with_what_is_theirs(shop: Shop) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        expected = await connection.fetch(
            "SELECT p.payer_id, count(o.order_id)::int AS orders, max(o.order_id::text)::uuid AS "
            "newest"
            " FROM payers p LEFT JOIN order_payer o USING (merchant_id, payer_id) WHERE "
            "p.merchant_id = $1"
            " GROUP BY p.merchant_id, p.payer_id ORDER BY p.first_seen_at DESC, p.payer_id DESC",
            shop.merchant_id,
        )
        found: list[ListedCustomer] = []
        after = BEGIN
        while rows := await list_customers(connection, shop.merchant_id, after, 700, clear=True):
            found += rows
            after = Place(rows[-1].first_seen_at, rows[-1].payer_id)
        assert [row.payer_id for row in found] == [row["payer_id"] for row in expected]
        for row, whole in zip(found, expected, strict=True):
            assert row.orders == min(whole["orders"], COUNTED_MAX + 1)
            assert row.order_id == whole["newest"]
        assert await count_customers(connection, shop.merchant_id) == (len(expected), True)
        assert {row.name for row in found[:3]} == {"Only Transmitted"}
        assert max(row.orders for row in found) == COUNTED_MAX + 1

    run(shop, work)


def test_a_page_reads_its_customers_and_as_many_orders_as_it_tells(shop: Shop) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        place = Place(datetime.fromisoformat("2026-11-05T00:00Z"), uuid.UUID(int=9))
        for after in (BEGIN, place):
            rows = await connection.fetch(f"EXPLAIN {customers.LIST}", shop.merchant_id, *after, 50)
            plan = "\n".join(row[0] for row in rows)
            assert "Seq Scan" not in plan, plan
            assert "payers_seen" in plan, plan
            assert "Index Only Scan using order_payer_payer" in plan, "counted in the index"

    run(shop, work)


def test_masked_or_not_and_of_one_merchant_alone(shop: Shop) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        clear = await list_customers(connection, shop.merchant_id, BEGIN, 20, clear=True)
        masked = await list_customers(connection, shop.merchant_id, BEGIN, 20, clear=False)
        assert [row.payer_id for row in clear] == [row.payer_id for row in masked]
        assert all("@example.test" in row.email or "transmitted" in row.email for row in clear)
        assert not any("example.test" in str(row) or "Transmitted" in str(row) for row in masked)
        ids = [row.payer_id for row in clear]
        assert await these_customers(connection, shop.merchant_id, ids[::-1], clear=True) == clear
        assert await these_customers(connection, shop.other_id, ids, clear=True) == []
        orders = [row.order_id for row in clear if row.order_id]
        assert await customers_of(connection, shop.merchant_id, orders) <= set(ids)
        assert await customers_of(connection, shop.other_id, orders) == set()
        later = Place(clear[0].first_seen_at + timedelta(days=1), uuid.UUID(int=0))
        assert (await list_customers(connection, shop.merchant_id, later, 20, clear=True)) == clear

    run(shop, work)
