"""Past attempts in the portal: a file is checked, asked about, imported, looked at and stopped,
without a script."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.people.page.test_portal import field
from tests.shop import Shop, drop_shop, make_shop
from tests.uploads.page.test_uploads import Visitor, visit

from recoup.backtest.flows.make import TURN, work_backtest
from recoup.db.server import ServerAddress
from recoup.desk.page.imports import PROVED, TITLES
from recoup.imports.rules.profile import profiles
from recoup.orders.store.due_work import Due
from recoup.rescue.moves.plan import INLINE_GRACE

CONTENT = (
    "id,Created,Amount,Amount Refunded,Currency,Status,Customer ID,PaymentIntent ID\n"
    "ch_1,2024-03-02 06:00:11,19.00,0.00,usd,Failed,cus_1,pi_1\n"
    "ch_2,2024-03-05 06:00:11,19.00,0.00,usd,Paid,cus_1,pi_1\n"
    "ch_3,2024-03-05 06:00:11,<b>x,0.00,usd,Paid,cus_1,pi_1\n"
)


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=1))
    yield made
    asyncio.run(drop_shop(server, made))


async def send(visitor: Visitor, content: str, act: str, **answers: str) -> httpx.Response:
    page = (await visitor.client.get("/imports")).text
    data = {"csrf": field(page, "csrf"), "act": act, **answers}
    return await visitor.client.post(
        "/imports", data=data, files={"file": ("export.csv", content.encode())}
    )


def test_a_file_is_asked_about_checked_imported_and_shown(shop: Shop) -> None:
    async def story(visitor: Visitor) -> None:
        asked = await send(visitor, CONTENT, "import")
        assert asked.status_code == 200
        assert "does not name the time zone" in asked.text
        assert "Nothing was imported" in asked.text
        checked = await send(visitor, CONTENT, "check", zone="Europe/Berlin")
        assert "1 approved, 1 declined" in checked.text
        twice = "ch_2,2024-03-05 06:00:11,19.00,0.00,usd,Paid,cus_1,pi_1\n"
        merged = await send(visitor, CONTENT + twice, "check", zone="Europe/Berlin")
        assert "Rows: 4. Attempts: 2; rows of the same attempt count once." in merged.text
        assert 'value="Europe/Berlin"' in checked.text
        assert "column Amount: " in checked.text
        assert "No imports yet" not in checked.text
        made = await send(visitor, CONTENT, "import", zone="Europe/Berlin")
        assert made.status_code == 303
        path = made.headers["location"]
        page = (await visitor.client.get(path)).text
        assert "0 attempts taken over" in page
        assert 'id="import" data-live="2"' in page
        await visitor.work()
        page = (await visitor.client.get(path)).text
        assert "2 attempts taken over: 2 new, 0 changed" in page
        assert "Completed" in page
        assert "Columns that nothing was read from: Amount Refunded." in page
        assert "column Amount: " in page
        assert "<b>x" not in page
        lines = (await visitor.client.get(f"{path}/lines.csv")).text
        assert lines.splitlines()[1].startswith("4,amount,")
        rows = [
            json.loads(row)
            for row in (await visitor.client.get(f"{path}/attempts.jsonl")).text.splitlines()
        ]
        assert [(row["ref"], row["at"]) for row in rows][0] == ("ch_1", "2024-03-02T05:00:11Z")
        again = await send(visitor, CONTENT, "import", zone="Europe/Berlin")
        assert again.headers["location"].startswith(path)
        assert "was imported before" in (await visitor.client.get(again.headers["location"])).text
        assert "export.csv" in (await visitor.client.get("/imports")).text

    visit(shop, story)


GROUPS = '{"groups": {"class": [{"name": "funds", "orders": 400, "rescuedThen": 188}]}}'


async def figures(visitor: Visitor) -> None:
    """Makes those that were asked for, one at a time."""
    for _ in PROVED:
        async with visitor.world.db.connection() as connection:
            await connection.execute(
                "UPDATE due_work SET due_at = due_at - $1::interval, lease_until = NULL",
                INLINE_GRACE + TURN,
            )
        await visitor.work()


async def unmade(visitor: Visitor) -> list[Any]:
    async with visitor.world.db.connection() as connection:
        return await connection.fetch(
            "SELECT merchant_id, backtest_id FROM backtests WHERE made_at IS NULL"
        )


def test_what_recoup_would_have_rescued_is_asked_with_the_file(shop: Shop) -> None:
    path = ""

    async def asked(visitor: Visitor) -> None:
        nonlocal path
        later = "ch_4,2024-06-05 06:00:11,19.00,0.00,usd,Paid,cus_2,pi_2\n"
        await send(visitor, CONTENT, "import", zone="UTC")
        await visitor.work()
        await figures(visitor)
        content = (
            CONTENT
            + CONTENT.partition("\n")[2].replace("ch_", "own_").replace("pi_", "own_")
            + later
        )
        path = (await send(visitor, content, "import", zone="UTC")).headers["location"]
        page = (await visitor.client.get(path)).text
        assert "What Recoup would have rescued" not in page, "before it is completed"
        refused = await visitor.client.post(f"{path}/prove", data={"csrf": "x"})
        assert refused.status_code == 403
        for row in await unmade(visitor):
            await work_backtest(
                visitor.world, Due(row["merchant_id"], "backtest", row["backtest_id"], 1)
            )
        assert len(await unmade(visitor)) == len(PROVED), "they wait for the import"
        await visitor.work()
        page = (await visitor.client.get(path)).text
        assert page.count("The figures appear here within a few minutes.") == 2
        assert 'id="import" data-live="5"' in page
        assert "/static/live.js" in page
        assert (
            "2 attempts were imported before. They count with the file that brought or last "
            "changed them" in page
        )
        for _ in range(2):
            answer = await visitor.client.post(f"{path}/prove", data={"csrf": field(page, "csrf")})
            assert answer.status_code == 303
        page = (await visitor.client.get(answer.headers["location"])).text
        assert page.count("The figures appear here within a few minutes.") == 2, (
            "the same question has one answer"
        )
        await figures(visitor)
        page = (await visitor.client.get(path)).text
        assert page.count("There are 0 rescued payments; 50 are needed.") == len(PROVED)
        assert "Schedule retry-3" in page
        assert "Rescue engine, within" in page
        assert page.count('href="/backtests/') >= 2
        assert "Show it" not in page
        assert "data-live" not in page
        async with visitor.world.db.connection() as connection:
            await connection.execute(f"UPDATE backtests SET report = report || '{GROUPS}'")
        page = (await visitor.client.get(path)).text
        assert page.count("By class of decline</h2>") == 1, "reasons are the same, whoever decides"
        assert "Insufficient funds" in page
        assert "47.0 %" in page

    async def read(visitor: Visitor) -> None:
        page = (await visitor.client.get(path)).text
        assert "There are 0 rescued payments; 50 are needed." in page
        answer = await visitor.client.post(f"{path}/prove", data={"csrf": field(page, "csrf")})
        assert answer.status_code == 403

    visit(shop, asked)
    visit(shop, read, email="ann@example.test")


def test_each_export_has_its_name_on_the_pages() -> None:
    assert set(TITLES) == set(profiles())


def test_what_cannot_be_imported_says_why(shop: Shop) -> None:
    async def story(visitor: Visitor) -> None:
        refused = await send(visitor, "a,b\n1,2\n", "import")
        assert refused.status_code == 400
        assert "None of the first 20 lines" in refused.text
        assert (await send(visitor, CONTENT, "import", zone="CST")).status_code == 400
        page = (await visitor.client.get("/imports")).text
        nothing = await visitor.client.post(
            "/imports", data={"csrf": field(page, "csrf")}, files={"other": ("a", b"b")}
        )
        assert nothing.status_code == 400

    visit(shop, story)


def test_an_import_is_stopped(shop: Shop) -> None:
    async def story(visitor: Visitor) -> None:
        made = await send(visitor, CONTENT + "\n", "import", zone="UTC")
        path = made.headers["location"]
        page = (await visitor.client.get(path)).text
        stopped = await visitor.client.post(f"{path}/stop", data={"csrf": field(page, "csrf")})
        assert stopped.status_code == 303
        await visitor.work()
        assert "Stopped" in (await visitor.client.get(path)).text

    visit(shop, story)
