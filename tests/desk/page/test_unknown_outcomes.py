"""The desk of attempts that were sent and not answered:
which are on it, in which order, and whose."""

import asyncio
import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from tests.people.page.test_portal import visit
from tests.shop import Shop, drop_shop, make_shop

from recoup.db.server import ServerAddress
from recoup.kit.lists.bounded import bound_statement
from recoup.orders.store import unknown_outcomes as desk

HERE = "/unknown-outcomes"
_OUT = "state IN ('open', 'unknown')"
# Most of what is due some day is an order's end.
WAITING = """
INSERT INTO due_work (merchant_id, kind, subject_id, due_at)
SELECT $1, 'expire', gen_random_uuid(), now() + interval '30 days' FROM generate_series(1, 500)
"""
_ASK = """
INSERT INTO due_work (merchant_id, kind, subject_id, due_at, wall)
SELECT merchant_id, 'inquire', order_id, now() + $1, true FROM attempts
  WHERE state IN ('open', 'unknown')
"""


@pytest.fixture
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=60))
    asyncio.run(told(made, _ASK, timedelta(minutes=7, seconds=30)))
    yield made
    asyncio.run(drop_shop(server, made))


async def told(shop: Shop, sql: str, *values: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(shop.dsn)
    try:
        return list(await connection.fetch(sql, *values))
    finally:
        await connection.close()


def listed(page: httpx.Response) -> list[str]:
    assert page.status_code == 200, page.text
    return re.findall(r'<th scope="row"><div><a href="/orders/([0-9a-f-]{36})">', page.text)


async def out(shop: Shop) -> list[str]:
    rows = await told(
        shop,
        f"SELECT order_id FROM attempts WHERE merchant_id = $1 AND {_OUT} ORDER BY sent_at",
        shop.merchant_id,
    )
    return [str(row["order_id"]) for row in rows]


def test_the_oldest_comes_first_with_what_is_done_about_it(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        expected = await out(shop)
        assert len(expected) > 3
        page = await client.get(HERE)
        assert listed(page) == expected
        assert f"<b>{len(expected)}</b> attempts without an answer" in page.text
        assert "in 7 min" in page.text
        assert f'Unknown outcomes<span class="count hot">{len(expected)}</span>' in page.text
        assert "It pays the order" in page.text
        assert "it is reversed automatically" not in page.text
        assert f'<a href="{HERE}" aria-current="page">' in page.text
        await told(shop, f"UPDATE attempts SET if_late = 'reverse' WHERE {_OUT}")  # noqa: S608
        page = await client.get(HERE)
        assert "It pays the order" not in page.text
        assert "it is reversed automatically" in page.text

    visit(shop, work)


def test_what_its_own_call_may_still_answer_is_not_on_it(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        expected = await out(shop)
        opened = (
            "UPDATE attempts SET state = 'open', call_timeout_ms = 20000, send_before = now() + $2"
            " WHERE order_id = $1::uuid"
        )
        await told(shop, opened, expected[0], timedelta(seconds=-15))
        assert listed(await client.get(HERE)) == expected[1:]
        await told(shop, opened, expected[0], timedelta(seconds=-25))
        assert listed(await client.get(HERE)) == expected
        await told(
            shop, "UPDATE attempts SET state = 'declined' WHERE order_id = $1::uuid", expected[0]
        )
        assert listed(await client.get(HERE)) == expected[1:]

    visit(shop, work)


def test_of_more_than_fit_the_oldest_are_shown_and_all_are_counted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "ROWS_MAX", 2)

    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        expected = await out(shop)
        page = await client.get(HERE)
        assert listed(page) == expected[:2]
        assert (
            f"<b>{len(expected)}</b> attempts without an answer, oldest first; the first 2 are "
            f"shown" in page.text
        )

    visit(shop, work)


def test_another_merchant_sees_none_of_it(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await client.get(HERE)
        assert listed(page) == []
        assert "No unknown outcomes" in html.unescape(page.text)

    visit(shop, work, "empty@example.test")


def test_it_goes_by_the_due_work_and_not_by_all_attempts(shop: Shop) -> None:
    async def plan() -> str:
        connection = await asyncpg.connect(shop.dsn)
        try:
            await connection.execute("BEGIN")
            await bound_statement(connection, desk.TIMEOUT_MS)
            await connection.execute(WAITING, shop.merchant_id)
            await connection.execute("ANALYZE due_work")
            rows = await connection.fetch(
                f"EXPLAIN {desk._DESK}", shop.merchant_id, datetime.now(UTC), 100
            )
            await connection.execute("ROLLBACK")
        finally:
            await connection.close()
        return "\n".join(row[0] for row in rows)

    said = asyncio.run(plan())
    assert "due_work_pkey" in said, said
    assert "attempts_merchant_id_order_id_attempt_no_key" in said, said
    assert "Seq Scan" not in said, said
