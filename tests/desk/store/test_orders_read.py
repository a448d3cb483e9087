"""Lists of orders: each filter against a plain scan of the same rows, pages against the whole, and
the plans."""

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
from tests.desk.store.order_plans import explain
from tests.order_rows import BEGIN, make_merchant, make_orders, vacuumed
from tests.rings import each

from recoup.db import migrate
from recoup.db.partitions import ensure_partitions
from recoup.db.pool import Database
from recoup.db.server import ServerAddress
from recoup.desk.store.order_counts import count_orders, count_statuses
from recoup.desk.store.order_cursor import ORDERS, Cursor, OrderBy, parse_cursor
from recoup.desk.store.order_filter import OrderFilter, UnitRange
from recoup.desk.store.order_search import like, normalise_query
from recoup.desk.store.orders import Page, list_orders, list_orders_page
from recoup.kernel.problem import Problem
from recoup.kit.lists import bounded
from recoup.kit.lists.bounded import Count

MANY = 20_000


@dataclass(frozen=True)
class Shop:
    dsn: str
    merchant_id: uuid.UUID
    sites: list[uuid.UUID]
    other_id: uuid.UUID


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    name = f"orders_{uuid.uuid4().hex[:12]}"
    dsn = server.dsn(name)

    async def make() -> Shop:
        await migrate.create_database(server.dsn("postgres"), name)
        await migrate.migrate(dsn, "world", world="sandbox")
        connection = await asyncpg.connect(dsn)
        await ensure_partitions(connection, datetime(2026, 11, 1, tzinfo=UTC))
        merchant_id, sites = await make_merchant(connection)
        other_id, other_sites = await make_merchant(connection, name="Other")
        await make_orders(connection, merchant_id, sites, MANY)
        await make_orders(connection, other_id, other_sites, 300)
        await vacuumed(connection)
        await connection.close()
        return Shop(dsn, merchant_id, sites, other_id)

    yield asyncio.run(make())

    async def drop() -> None:
        connection = await asyncpg.connect(server.dsn("postgres"))
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await connection.close()

    asyncio.run(drop())


def run(shop: Shop, work: Any) -> Any:
    async def inside() -> Any:
        database = await Database(shop.dsn, size=1).open()
        try:
            async with database.connection() as connection:
                return await work(connection)
        finally:
            await database.close()

    return asyncio.run(inside())


def at(minutes: int) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


FILTERS: dict[str, tuple[dict[str, Any], str]] = {
    "all": ({}, "true"),
    "one status": ({"statuses": (4,)}, "status = 4"),
    "several statuses": ({"statuses": (0, 4, 8)}, "status IN (0, 4, 8)"),
    "mit": ({"channels": ("mit",)}, "order_type = 'MIT'"),
    "web": ({"channels": ("cit_web",)}, "order_type = 'CIT' AND source <> 'callcenter'"),
    "call centre": (
        {"channels": ("cit_callcenter",)},
        "order_type = 'CIT' AND source = 'callcenter'",
    ),
    "two channels": (
        {"channels": ("cit_callcenter", "stable")},
        "(source = 'callcenter' OR order_type = 'STABLE')",
    ),
    "a door": ({"door": "stablecoin"}, "door = 'stablecoin'"),
    "a door without the channel": ({"door": "stablecoin", "channels": ("mit",)}, "false"),
    "placed": (
        {"placed_from": at(500), "placed_to": at(900)},
        f"placed_at >= '{at(500)}' AND placed_at < '{at(900)}'",
    ),
    "created": (
        {"created_from": at(500), "created_to": at(700)},
        f"created_at >= '{at(500)}' AND created_at < '{at(700)}'",
    ),
    "attention": ({"attention": True}, "attention IS NOT NULL"),
    "refunded": ({"refunded": True}, "refunded_units > 0"),
    "not refunded": ({"refunded": False}, "refunded_units = 0"),
    "source": ({"source": "callcenter"}, "source = 'callcenter'"),
    "currency": ({"asset": "JPY"}, "asset = 'JPY'"),
    "descriptor": ({"descriptor": "rare*TEA"}, "descriptor = 'RARE*TEA'"),
    "amount": ({"units_from": 500, "units_to": 900}, "units BETWEEN 500 AND 900"),
    "amount in each scale": (
        {"amounts": (UnitRange(("USD", "EUR"), 50_000, None), UnitRange(("JPY",), 500, 2_000))},
        "(asset IN ('USD', 'EUR') AND units >= 50000 OR asset = 'JPY' AND units BETWEEN 500 AND "
        "2000)",
    ),
    "amount from above": (
        {"amounts": (UnitRange(("USD",), None, 900), UnitRange(("JPY",), None, 9))},
        "(asset = 'USD' AND units <= 900 OR asset = 'JPY' AND units <= 9)",
    ),
    "attempts": ({"attempts_min": 3}, "attempts >= 3"),
    "ends soon": (
        {"expires_from": at(9000), "expires_to": at(9500)},
        f"expires_at > '{at(9000)}' AND expires_at <= '{at(9500)}' AND status IN (0, 1, 3, 4, 5)",
    ),
    "chain": ({"chain": "ecommerce"}, "order_type = 'STABLE' AND source = 'ecommerce'"),
    "external id": ({"external_id": "SUB-77"}, "placed_at = '2026-11-01T01:17Z'"),
    "campaign": ({}, "campaign_id IS NOT NULL"),
    "named": (
        {"external_ids": ("SUB-5", "SUB-77", "SUB-0")},
        "units IN (100 + 5 * 7919, 100 + 77 * 7919 % 90000) AND placed_at < '2026-11-01T02:00Z'",
    ),
    "reason": ({"reasons": ("expired",)}, "reason = 'expired'"),
    "two reasons": (
        {"reasons": ("paid_elsewhere", "declined")},
        "reason IN ('declined', 'paid_elsewhere')",
    ),
    "code": ({"code": "r1"}, "decline_code = 'R1'"),
    "code of a source": ({"code": "51", "code_source": "nmi"}, "decline_code = '51'"),
    "code of no source": ({"code": "51", "code_source": "visa"}, "false"),
    "brand": ({"scheme": "amex"}, "card_scheme = 'amex'"),
    "issuer": ({"bin": "411111"}, "card_bin = '411111'"),
    "reason and code": (
        {"reasons": ("declined",), "code": "05"},
        "reason = 'declined' AND decline_code = '05'",
    ),
    "nothing named": ({"order_ids": (uuid.UUID(int=7),)}, "false"),
    "status and channel": (
        {"statuses": (7, 4), "channels": ("cit_web",)},
        "status IN (4, 7) AND order_type = 'CIT' AND source <> 'callcenter'",
    ),
    "status and dates": (
        {"statuses": (7,), "placed_from": at(9000)},
        f"status = 7 AND placed_at >= '{at(9000)}'",
    ),
}


def wanted(shop: Shop, case: str) -> OrderFilter:
    fields = FILTERS[case][0] | ({"campaign_id": shop.merchant_id} if case == "campaign" else {})
    return OrderFilter(shop.merchant_id, **fields)


async def plain(
    connection: asyncpg.Connection, shop: Shop, test: str, *, order: str, limit: int
) -> list[uuid.UUID]:
    rows = await connection.fetch(
        f"SELECT order_id FROM order_heads WHERE merchant_id = $1 AND {test} ORDER BY {order} "
        f"LIMIT {limit}",
        shop.merchant_id,
    )
    return [r["order_id"] for r in rows]


@each("case", FILTERS)
def test_each_filter_and_its_pages_are_what_a_plain_scan_finds(shop: Shop, case: str) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        expected = await plain(
            connection, shop, FILTERS[case][1], order="placed_at DESC, order_id DESC", limit=120
        )
        found: list[uuid.UUID] = []
        pages: list[Page] = []
        after = None
        while len(found) < 120:
            page = await list_orders(connection, wanted(shop, case), after=after, limit=40)
            pages.append(page)
            found += [r.order_id for r in page.rows]
            after = page.next_cursor
            if after is None:
                break
        assert found == expected
        assert pages[0].prev_cursor is None
        if len(pages) > 1:
            back = await list_orders(
                connection, wanted(shop, case), after=pages[1].prev_cursor, limit=40
            )
            assert back.rows == pages[0].rows
            assert back.prev_cursor is None

    run(shop, work)


@each("case", FILTERS)
def test_each_filter_is_read_from_an_index(shop: Shop, case: str) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        if case == "a door without the channel":
            return
        plan = await explain(connection, wanted(shop, case))
        assert "Seq Scan" not in plan, plan
        assert "Index" in plan

    run(shop, work)


SORTED = [
    (by, descending, case) for by, descending in ORDERS for case in ("all", "several statuses")
]


@each(("by", "descending", "case"), SORTED)
def test_pages_in_each_order_are_all_orders_once_forth_and_back(
    shop: Shop, by: Any, descending: bool, case: str
) -> None:
    """Also across the border between those that have such a date and those that have none."""

    async def work(connection: asyncpg.Connection) -> None:
        narrowed = replace(wanted(shop, case), merchant_id=shop.other_id)
        rows = await connection.fetch(
            f"SELECT order_id FROM order_heads h WHERE merchant_id = $1 AND {FILTERS[case][1]}"
            f" ORDER BY {ORDERS[by, descending]}",
            shop.other_id,
        )
        found: list[uuid.UUID] = []
        after, pages = None, []
        while after or not pages:
            page = await list_orders(
                connection, narrowed, after=after, limit=37, newest_first=descending, by=by
            )
            found += [row.order_id for row in page.rows]
            pages.append(page)
            after = page.next_cursor
        assert found == [row["order_id"] for row in rows]
        for before, page in pairwise(pages):
            back = await list_orders(
                connection,
                narrowed,
                after=page.prev_cursor,
                limit=37,
                newest_first=descending,
                by=by,
            )
            assert back.rows == before.rows

    run(shop, work)


@each(("by", "descending"), ORDERS)
def test_each_order_and_its_later_pages_follow_an_index(
    shop: Shop, by: Any, descending: bool
) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        order_id = uuid.UUID(int=9)
        keys: list[Any] = (
            [50_000]
            if by == "amount"
            else [at(9000)] + ([None] if by in ("created", "expires") else [])
        )
        for after in [None, *(Cursor(False, key, order_id, by).text() for key in keys)]:
            plan = await explain(
                connection, OrderFilter(shop.merchant_id), by=by, descending=descending, after=after
            )
            index = {
                "placed": "placed",
                "created": "created",
                "amount": "units",
                "expires": "expires",
            }[by]
            assert f"order_heads_{index}" in plan, plan
            assert "Seq Scan" not in plan, plan
            assert "Sort" not in plan or "Append" in plan, (
                plan
            )  # at most two pages are put together

    run(shop, work)


@each("case", ["one status", "mit", "web", "call centre", "attention", "refunded", "all"])
def test_the_index_brings_the_order_so_that_nothing_is_sorted(shop: Shop, case: str) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        plan = await explain(connection, wanted(shop, case))
        assert "Sort  (" not in plan or "Incremental" in plan or "Nested Loop" in plan, plan

    run(shop, work)


def test_oldest_first_and_site(shop: Shop) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        only = OrderFilter(shop.merchant_id, site_id=shop.sites[1])
        expected = await plain(
            connection, shop, f"site_id = '{shop.sites[1]}'", order="placed_at, order_id", limit=30
        )
        first = await list_orders(connection, only, limit=20, newest_first=False)
        second = await list_orders(
            connection, only, limit=10, newest_first=False, after=first.next_cursor
        )
        assert [r.order_id for r in first.rows + second.rows] == expected
        assert "order_heads_site" in await explain(connection, only)

    run(shop, work)


@pytest.mark.parametrize(
    ("order_by", "descending", "order"),
    [
        ("amount", True, "units DESC, order_id DESC"),
        ("amount", False, "units, order_id"),
        ("created", True, "created_at DESC NULLS LAST, order_id DESC"),
        ("placed", False, "placed_at, order_id"),
    ],
)
def test_numbered_pages_follow_each_order(
    shop: Shop, order_by: Any, descending: bool, order: str
) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        expected = await plain(connection, shop, "status IN (7, 4)", order=order, limit=60)
        only = OrderFilter(shop.merchant_id, statuses=(7, 4))
        found = []
        for number in (1, 2, 3):
            page = await list_orders_page(
                connection, only, number=number, size=20, order_by=order_by, descending=descending
            )
            found += [row.order_id for row in page]
        assert found == expected

    run(shop, work)


def test_a_row_carries_every_column_of_the_list(shop: Shop) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        (row,) = (
            await list_orders(connection, OrderFilter(shop.merchant_id, text="SUB-20000"))
        ).rows
        assert (row.external_id, row.site_name, row.descriptor) == (
            "SUB-20000",
            "leaf-0",
            "BRIGHTLEAF*TEA",
        )
        assert row.placed_at == at(20_000)
        assert (row.customer, row.order_type, row.units) == (
            "Tomasz Wójcik",
            "MIT",
            100 + 20_000 * 7919 % 90_000,
        )

    run(shop, work)


@each(
    ("typed", "how", "count"),
    [
        ("SUB-77", "exact", 1),
        ("  SUB-77 ", "exact", 1),
        ("buyer19999@", "email", 1),
        ("rare*tea", "descriptor", 41),
        ("BUYER1999", "text", 11),
        ("wójcik", "text", 50),
        ("Wójcik Tomasz", "text", 50),
        ("小", "text", 50),
        ("楓", "text", 50),
        ("小林", "text", 50),
        ("zo", "text", 50),
        ("oë", "text", 0),
        ("zoe obrien", "text", 50),
        ("小林楓", "text", 50),
        ("نورا", "text", 50),
        ("o'brien", "text", 50),
        ("100%", "text", 0),
        ("_ub-77", "text", 0),
        ("\\", "text", 0),
        ("no such customer", "text", 0),
        ("wójcik sato", "text", 0),
        ("😀", "text", 0),
        ("' OR 1=1 --", "text", 0),
        ("x" * 10_000, "text", 0),
        ("\x00\ud800", "all", 50),
    ],
)
def test_search(shop: Shop, typed: str, how: str, count: int) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        page = await list_orders(connection, OrderFilter(shop.merchant_id, text=typed), limit=50)
        assert (page.how, len(page.rows)) == (how, count)
        assert not page.recent_only

    run(shop, work)


def test_an_order_id_is_found_in_any_spelling_and_only_by_its_merchant(shop: Shop) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        order_id = (
            (await list_orders(connection, OrderFilter(shop.merchant_id), limit=1)).rows[0].order_id
        )
        for typed in (str(order_id), str(order_id).upper(), order_id.hex):
            page = await list_orders(connection, OrderFilter(shop.merchant_id, text=typed))
            assert [r.order_id for r in page.rows] == [order_id]
        foreign = await list_orders(connection, OrderFilter(shop.other_id, text=str(order_id)))
        assert not foreign.rows

    run(shop, work)


def test_another_merchant_sees_only_its_own(shop: Shop) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        nobody = uuid.uuid4()
        for case, (fields, _) in FILTERS.items():
            assert not (await list_orders(connection, OrderFilter(nobody, **fields))).rows, case
            assert (await count_orders(connection, OrderFilter(nobody, **fields))).value == 0
        ours = {
            r.order_id
            for r in (await list_orders(connection, OrderFilter(shop.merchant_id), limit=500)).rows
        }
        after = None
        theirs: list[uuid.UUID] = []
        while True:
            page = await list_orders(connection, OrderFilter(shop.other_id), after=after, limit=100)
            theirs += [r.order_id for r in page.rows]
            after = page.next_cursor
            if after is None:
                break
        assert len(theirs) == 300
        assert not ours & set(theirs)
        cursor = (await list_orders(connection, OrderFilter(shop.merchant_id), limit=1)).next_cursor
        across = await list_orders(connection, OrderFilter(shop.other_id), after=cursor, limit=500)
        assert {r.order_id for r in across.rows} <= set(theirs)

    run(shop, work)


def test_counts_are_capped_or_exact(shop: Shop) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        everything = OrderFilter(shop.merchant_id)
        assert await count_orders(connection, everything) == Count(10_000, False)
        assert await count_orders(connection, everything, exact=True) == Count(MANY, True)
        expected = await connection.fetchval(
            "SELECT count(*) FROM order_heads WHERE merchant_id = $1 AND status = 3",
            shop.merchant_id,
        )
        by_status = await count_statuses(connection, replace(everything, statuses=(4,)), cap=5_001)
        assert by_status[3] == Count(expected, True)
        assert by_status[7] == Count(5_000, False)
        assert set(by_status) == set(range(9))

    run(shop, work)


def test_a_slow_search_is_narrowed_to_recent_orders_and_says_so(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = iter([1, 1, 30_000])  # as the list goes, by words first, the newest 90 days

    async def slow(connection: asyncpg.Connection, _: int) -> None:
        ms = next(limits)
        await connection.execute(f"SET LOCAL statement_timeout = {ms}")
        if ms == 1:
            await connection.execute("SELECT pg_sleep(1)")

    monkeypatch.setattr(bounded, "bound_statement", slow)

    async def work(connection: asyncpg.Connection) -> None:
        page = await list_orders(connection, OrderFilter(shop.merchant_id, text="sato"), limit=5)
        assert page.recent_only
        assert len(page.rows) == 5

    run(shop, work)


@each("text", ["x", "n", "n1", "n.", "n1.zz", "p9999999999999999999999." + "0" * 32, "n" * 5000])
def test_a_damaged_cursor_is_a_problem_not_a_crash(shop: Shop, text: str) -> None:
    assert parse_cursor(text) is None

    async def work(connection: asyncpg.Connection) -> None:
        with pytest.raises(Problem, match="is invalid"):
            await list_orders(connection, OrderFilter(shop.merchant_id), after=text)

    run(shop, work)


def test_like_signs_are_literal() -> None:
    assert like(r"50%_\x") == r"50\%\_\\x"
    assert normalise_query(" a\tb\x00 ") == "a b"


# Each index of the heads, and a list that is read by it: filter and order. An index that no line
# needs is dropped: every order that is written pays for it.
NEEDED: dict[str, tuple[dict[str, Any], OrderBy]] = {
    "order_heads_placed": ({}, "placed"),
    "order_heads_created": ({}, "created"),
    "order_heads_units": ({}, "amount"),
    "order_heads_expires": ({}, "expires"),
    "order_heads_status": ({"statuses": (4,)}, "placed"),
    "order_heads_channel": ({"channels": ("cit_callcenter",)}, "placed"),
    "order_heads_site": ({"site_id": uuid.UUID(int=1)}, "placed"),
    "order_heads_campaign": ({"campaign_id": uuid.UUID(int=1)}, "placed"),
    "order_heads_source": ({"source": "seldom"}, "placed"),
    "order_heads_asset": ({"asset": "KWD"}, "placed"),
    "order_heads_descriptor": ({"descriptor": "RARE*TEA"}, "placed"),
    "order_heads_attention": ({"attention": True}, "placed"),
    "order_heads_refunded": ({"refunded": True}, "placed"),
    "order_heads_reason": ({"reasons": ("expired",)}, "placed"),
    "order_heads_code": ({"code": "R1"}, "placed"),
    "order_heads_scheme": ({"scheme": "amex"}, "placed"),
    "order_heads_bin": ({"bin": "411111"}, "placed"),
    "order_heads_tried": ({"attempts_min": 7}, "placed"),
    "order_heads_ending": ({"expires_from": at(9000), "expires_to": at(9060)}, "placed"),
}


def test_each_index_of_the_heads_serves_a_list_and_each_list_has_its_own(shop: Shop) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        rows = await connection.fetch(
            "SELECT indexrelid::regclass::text FROM pg_index"
            " WHERE indrelid = 'order_heads_decided'::regclass AND NOT indisprimary"
        )
        assert {row[0] for row in rows} == NEEDED.keys()
        for index, (said, by) in NEEDED.items():
            plan = await explain(connection, OrderFilter(shop.merchant_id, **said), by=by)
            assert f"{index} " in plan, plan

    run(shop, work)


def test_what_cannot_be_is_not_looked_for(shop: Shop) -> None:
    """An unpaid order has nothing refunded: asking for both reads no list to its end."""

    async def work(connection: asyncpg.Connection) -> None:
        for statuses, refunded in (((4,), True), ((6,), False)):
            wanted = OrderFilter(shop.merchant_id, statuses=statuses, refunded=refunded)
            assert wanted.faces() == (-1,)
            assert not (await list_orders(connection, wanted)).rows
        assert OrderFilter(shop.merchant_id, statuses=(4, 7), refunded=True).faces() == (7,)

    run(shop, work)


def test_an_address_with_many_orders_and_one_with_few_are_both_found(shop: Shop) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        few = await list_orders(
            connection, OrderFilter(shop.merchant_id, text="buyer777@"), limit=50
        )
        many = await list_orders(
            connection, OrderFilter(shop.merchant_id, text="Buyer1@example"), limit=50
        )
        wide = await list_orders(connection, OrderFilter(shop.merchant_id, text="buye@"), limit=50)
        assert (few.how, len(few.rows), many.how, len(many.rows), len(wide.rows)) == (
            "email",
            1,
            "email",
            1,
            0,
        )

    run(shop, work)
