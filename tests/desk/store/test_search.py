"""Search finds what people type: names of every script in the usual spellings, ids as pages shorten
them; and orders of earlier releases are folded like new ones, by the worker."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import pytest
from tests.databases import drop, empty
from tests.desk.store.search_names import NAMES
from tests.order_rows import make_merchant, make_orders

from recoup.db.pool import Database
from recoup.db.server import ServerAddress
from recoup.desk.store import order_counts, orders
from recoup.desk.store.order_counts import COUNT_TIMEOUT_MS, count_orders
from recoup.desk.store.order_filter import OrderFilter
from recoup.desk.store.order_folding import fold_some
from recoup.desk.store.order_search import orders_by_end
from recoup.desk.store.orders import SEARCH_TIMEOUT_MS, list_orders
from recoup.kit.lists.bounded import bounded
from recoup.kit.lists.folding import FOLDED, fold, search_text
from recoup.onboarding.store.partner_merchants import spelt

EACH = 2  # orders of everybody


@dataclass(frozen=True)
class Shop:
    dsn: str
    merchant_id: uuid.UUID
    other_id: uuid.UUID


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    name = f"search_{uuid.uuid4().hex[:12]}"

    async def make() -> Shop:
        dsn = await empty(server, "world", name)
        connection = await asyncpg.connect(dsn)
        merchant_id, sites = await make_merchant(connection)
        other_id, other_sites = await make_merchant(connection, name="Other")
        await make_orders(connection, merchant_id, sites, EACH * len(NAMES), list(NAMES))
        await make_orders(connection, other_id, other_sites, len(NAMES), list(NAMES))
        await connection.close()
        return Shop(dsn, merchant_id, other_id)

    yield asyncio.run(make())
    asyncio.run(drop(server, name))


@asynccontextmanager
async def opened(shop: Shop) -> AsyncIterator[asyncpg.Connection]:
    database = await Database(shop.dsn, size=1).open()
    try:
        async with database.connection() as connection:
            yield connection
    finally:
        await database.close()


async def found(
    connection: asyncpg.Connection, shop: Shop, typed: str, sight: str = "shown"
) -> list[str]:
    page = await list_orders(
        connection, OrderFilter(shop.merchant_id, text=typed, sight=sight), limit=500
    )
    return [row.customer for row in page.rows]


def test_names_of_every_script_are_found_as_people_type_them(shop: Shop) -> None:
    complaints = []

    async def work() -> None:
        async with opened(shop) as connection:
            for name, spellings in NAMES.items():
                whole = " ".join(name).strip()
                assert len(spellings) == 5
                for typed in spellings:
                    rows = await found(connection, shop, typed)
                    if rows.count(whole) != EACH:
                        complaints.append((whole, typed, sorted(set(rows))))
                    if len(set(rows)) > 3:
                        complaints.append((whole, typed, "too many", sorted(set(rows))))
                if len(await found(connection, shop, whole, "masked")) != EACH:
                    complaints.append((whole, "masked, whole"))
                if await found(connection, shop, whole[:-1], "masked"):
                    complaints.append((whole, "masked, a part"))
            for typed in ("=", "==", "%", "'", "´", "e\u0301", "mueler", "жж"):
                if await found(connection, shop, typed) and typed != "e\u0301":
                    complaints.append((typed, "finds somebody"))

    asyncio.run(work())
    assert len(NAMES) >= 40
    assert complaints == []


def test_orders_of_earlier_releases_are_folded_again_and_what_was_erased_stays(shop: Shop) -> None:
    async def work() -> None:
        async with opened(shop) as connection:
            new = await connection.fetch("SELECT order_id, text, fold FROM order_search ORDER BY 1")
            assert {row["fold"] for row in new} == {FOLDED}
            await connection.execute(
                "UPDATE order_payer SET first_name = '', last_name = '', forgotten = true"
                " WHERE first_name = 'José' AND merchant_id = $1",
                shop.other_id,
            )
            await connection.execute("UPDATE order_search SET text = 'müller', fold = 0")
            assert await found(connection, shop, "mueller") == []
            steps = []
            for _ in range(9):
                async with connection.transaction():
                    steps.append(await fold_some(connection, 50))
            assert steps == [50, 50, 3 * len(NAMES) - 100, 0, 0, 0, 0, 0, 0]
            assert await found(connection, shop, "mueller") == ["Hans Müller"] * EACH
            assert await found(connection, shop, "jose") == ["José García"] * EACH
            theirs = await list_orders(connection, OrderFilter(shop.other_id, text="jose"))
            assert theirs.rows == ()
            again = await connection.fetch(
                "SELECT order_id, text, fold FROM order_search ORDER BY 1"
            )
            same = sum(
                row["text"].split()[:2] == old["text"].split()[:2]
                for row, old in zip(again, new, strict=True)
            )
            assert same == 3 * len(NAMES) - 1

    asyncio.run(work())


def test_an_id_is_found_as_pages_shorten_it(shop: Shop) -> None:
    async def work() -> None:
        async with opened(shop) as connection:
            one = (
                (await list_orders(connection, OrderFilter(shop.merchant_id), limit=1))
                .rows[0]
                .order_id
            )
            text = str(one)
            for typed in (
                f"{text[:4]}…{text[-6:]}",
                f"{text[:4]}...{text[-6:]}",
                f"{text[:4]}..{text[-6:]}".upper(),
            ):
                page = await list_orders(connection, OrderFilter(shop.merchant_id, text=typed))
                assert ([row.order_id for row in page.rows], page.how) == ([one], "exact"), typed
                assert await orders_by_end(connection, shop.other_id, typed) == []
            assert await orders_by_end(connection, shop.merchant_id, text[-6:]) == [one]
            for typed in (
                f"ffff…{text[-6:]}",
                text[-5:],
                f"{text[:4]}{text[-6:]}",
                f"…{text[-6:]}",
                "%%%%…%%%%%%",
            ):
                assert await orders_by_end(connection, shop.merchant_id, typed) == [], typed

    asyncio.run(work())


def test_what_a_code_means_is_looked_for_within_a_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index knows codes alone: of a common code that seldom means it all orders would be looked
    at."""
    times: list[int] = []

    def noted(connection: asyncpg.Connection, timeout_ms: int) -> AbstractAsyncContextManager[None]:
        times.append(timeout_ms)
        return bounded(connection, timeout_ms)

    async def work() -> None:
        async with opened(shop) as connection:
            wanted = OrderFilter(shop.merchant_id, code_reason="fraud_suspected")
            await list_orders(connection, wanted)
            await count_orders(connection, wanted)

    monkeypatch.setattr(orders, "bounded", noted)
    monkeypatch.setattr(order_counts, "bounded", noted)
    asyncio.run(work())
    assert times == [SEARCH_TIMEOUT_MS, COUNT_TIMEOUT_MS]


def test_text_and_query_are_folded_alike() -> None:
    pairs = {
        "José": "jose",
        "MÜLLER": "muller",
        "Straße": "strasse",
        "Łukasz": "lukasz",
        "İstanbul": "istanbul",
        "ISTANBUL": "istanbul",
        "O’Brien": "obrien",
        "O'Brien": "obrien",
        "e\u0301": "e",
        "２０２６": "2026",
        "٣٤": "34",
        "so\u00adft": "soft",
        "a\u200db": "ab",
        "ord–1": "ord-1",
        "ﬁne": "fine",
    }
    assert {typed: fold(typed) for typed in pairs} == pairs
    assert search_text("Hans", "Müller", ("H@x.de", None, "ORD-1")) == (
        "hans muller =hansmuller= mueller =hansmueller= h@x.de ord-1"
    )
    assert fold("x" * 100_000 + "\u0301" * 100_000) == "x" * 100_000


def test_the_names_of_a_large_partners_merchants_are_folded_once() -> None:
    names = [f"Café de la Crème {number}" for number in range(2_000)]
    spelt.cache_clear()
    for wanted in (fold("CREME 1999"), fold("DeLaCreme")):
        assert any(wanted in spelt(name) for name in names), wanted
    assert not any(fold("1999 cafe") in spelt(name) for name in names), (
        "each spelling is a line of its own"
    )
    assert spelt.cache_info().misses == len(names)
