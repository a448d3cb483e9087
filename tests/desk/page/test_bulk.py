"""One thing done to all orders that match: what somebody was shown is what is done, once, with an
answer for each."""

import asyncio
import html
import re
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest
from tests.people.page.test_portal import field, ids, visit
from tests.rings import each
from tests.shop import Shop, drop_shop, make_shop, make_world

from recoup.db.server import ServerAddress
from recoup.desk.flows import on_many
from recoup.desk.page.orders import bulk
from recoup.desk.store import bulk_acts
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.run_due import run_due


@pytest.fixture
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=60))
    yield made
    asyncio.run(drop_shop(server, made))


async def worked(shop: Shop, turns: int = 1) -> None:
    """As the worker does what is due."""
    world = await make_world(shop)
    try:
        for _ in range(turns):
            await run_due(world, Orders(world))
    finally:
        await world.db.close()
        await world.people.close()


async def form_of(client: httpx.AsyncClient, back: str, doing: str) -> dict[str, Any]:
    page = (await client.get(back)).text
    return {"csrf": field(page, "csrf"), "back": back, "do": doing, "all": "yes"}


def sure_of(page: str) -> dict[str, str]:
    """What the page that asks for certainty would send."""
    return {name: field(page, name) for name in ("key", "expected", "sure")}


async def value(shop: Shop, sql: str, *args: Any) -> Any:
    connection = await asyncpg.connect(shop.dsn)
    try:
        return await connection.fetchval(sql, *args)
    finally:
        await connection.close()


async def counted(shop: Shop, status: int) -> int:
    sql = "SELECT count(*) FROM order_heads WHERE merchant_id = $1 AND status = $2"
    found: int = await value(shop, sql, shop.merchant_id, status)
    return found


def test_all_that_match_are_cancelled_after_a_look_at_their_count_and_sums(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        drafts, paid = await counted(shop, 0), await counted(shop, 7)
        form = await form_of(client, "/orders?status=0&status=7", "cancel")
        look = await client.post("/orders/bulk", data=form)
        assert f"Cancel {drafts} of {drafts + paid} orders?" in look.text
        assert f"<b>{paid}</b> stay as they are" in look.text
        assert f"Cancel {drafts} orders</button>" in look.text
        shown = dict(re.findall(r'<b>([^<]*)</b><span class="cur">(\w+)</span>', look.text))
        sums = await value(
            shop,
            "SELECT sum(units) FROM order_heads WHERE merchant_id = $1 AND status IN (0, 7) AND "
            "asset = 'JPY'",
            shop.merchant_id,
        )
        assert {text: asset for text, asset in shown.items()}[f"{sums:,}"] == "JPY"
        assert "Status: Draft, Completed" in look.text
        assert await counted(shop, 0) == drafts
        form |= sure_of(look.text)
        both = await asyncio.gather(*(client.post("/orders/bulk", data=form) for _ in range(2)))
        assert {answer.headers.get("location") for answer in both} == {both[0].headers["location"]}
        page = await client.get(both[0].headers["location"])
        assert f"0 done, 0 not done, {drafts + paid} to go" in page.text
        await worked(shop)
        page = (await client.get(both[0].headers["location"])).text
        assert f"{drafts} done, {paid} not done, 0 not started" in page
        assert (await counted(shop, 0), await counted(shop, 7)) == (0, paid)
        refused = (await client.get(both[0].headers["location"] + "?show=refused")).text
        assert refused.count("Not done</span>") == min(paid, 100)
        listed = (await client.get("/orders/bulk")).text
        assert both[0].headers["location"] in listed
        assert "Maya Okafor" in listed
        assert await value(shop, "SELECT said::text || note FROM bulk_acts") == "[]"

    visit(shop, work)


def test_the_list_of_acts_says_that_ticked_orders_are_not_in_it(shop: Shop) -> None:
    """It said that nothing was done, right after ticked orders were cancelled."""

    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        async def told() -> str:
            return (await client.get("/orders/bulk")).text

        page = (await client.get("/orders?status=0")).text
        form = {
            "csrf": field(page, "csrf"),
            "back": "/orders?status=0",
            "do": "cancel",
            "order": ids(page)[:2],
        }
        look = (await client.post("/orders/bulk", data=form)).text
        sure = form | {"key": field(look, "key"), "sure": "yes"}
        assert "2 of 2 orders done" in (await client.post("/orders/bulk", data=sure)).text
        assert "No bulk actions yet" in await told()
        assert "individually selected orders run at once and are not listed here" in await told()
        everything = await form_of(client, "/orders?status=0", "cancel")
        everything |= sure_of((await client.post("/orders/bulk", data=everything)).text)
        assert (await client.post("/orders/bulk", data=everything)).status_code == 303
        assert "No bulk actions" not in await told()
        assert "individually selected orders run at once and are not listed here" in await told()

    visit(shop, work)


def test_a_list_that_changed_since_is_shown_again_and_nothing_is_done(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        form = await form_of(client, "/orders?status=0", "cancel")
        look = await client.post("/orders/bulk", data=form)
        sure = form | sure_of(look.text)
        await value(
            shop,
            "UPDATE order_heads SET status = 0 WHERE order_id = (SELECT order_id FROM order_heads"
            " WHERE merchant_id = $1 AND status = 7 LIMIT 1)",
            shop.merchant_id,
        )
        again = await client.post("/orders/bulk", data=sure)
        assert again.status_code == 409
        assert "The list has changed" in again.text
        assert int(field(again.text, "expected")) == int(sure["expected"]) + 1
        assert await value(shop, "SELECT count(*) FROM bulk_acts") == 0

    visit(shop, work)


def test_a_note_is_added_to_all_once_and_never_a_card_number(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        form = await form_of(client, "/orders?status=2", "note")
        look = await client.post("/orders/bulk", data=form)
        form |= sure_of(look.text)
        card = await client.post(
            "/orders/bulk", data=form | {"note": "pay with " + " ".join(["4111", *["1111"] * 3])}
        )
        assert card.status_code == 400
        assert "holds a card number" in card.text
        empty = await client.post("/orders/bulk", data=form | {"note": " "})
        assert empty.status_code == 400
        answer = await client.post("/orders/bulk", data=form | {"note": "Called <b>everybody</b>"})
        await worked(shop)
        await client.post("/orders/bulk", data=form | {"note": "Called <b>everybody</b>"})
        await worked(shop)
        count = await counted(shop, 2)
        assert (
            await value(shop, "SELECT count(*) FROM order_notes WHERE text LIKE 'Called%'") == count
        )
        assert f"{count} done, 0 not done" in (await client.get(answer.headers["location"])).text

    visit(shop, work)


def test_a_note_on_ticked_orders(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = (await client.get("/orders?status=2")).text
        form: dict[str, Any] = {
            "csrf": field(page, "csrf"),
            "back": "/orders?status=2",
            "do": "note",
            "order": [*ids(page)[:3], str(shop.other_order)],
        }
        look = await client.post("/orders/bulk", data=form)
        assert "Add a note to 3 orders?" in look.text
        form |= {"key": field(look.text, "key"), "sure": "yes", "note": "Spoke to Ana"}
        for _ in range(2):
            assert "3 of 3 orders done" in (await client.post("/orders/bulk", data=form)).text
        assert (
            await value(shop, "SELECT count(*) FROM order_notes WHERE text = 'Spoke to Ana'") == 3
        )

    visit(shop, work)


@each("back", ["/orders?status=nope", "/orders?status=0&amount=lots", "/orders?q=site:nowhere"])
@each("doing", ["cancel", "note"])
def test_a_filter_that_is_not_understood_does_nothing(shop: Shop, back: str, doing: str) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        form = await form_of(client, "/orders", doing) | {
            "back": back,
            "sure": "yes",
            "key": "0" * 32,
            "expected": "60",
        }
        answer = await client.post("/orders/bulk", data=form)
        assert answer.status_code == 400
        assert "nothing was done" in html.unescape(answer.text)
        assert await value(shop, "SELECT count(*) FROM bulk_acts") == 0

    visit(shop, work)


def test_a_huge_selection_and_a_forged_count_are_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        for module in (bulk_acts, on_many, bulk):
            monkeypatch.setattr(module, "SELECTED_MAX", 40)
        form = await form_of(client, "/orders", "cancel")
        for more in (
            {},
            {"sure": "yes", "key": "0" * 32, "expected": "60"},
            {"sure": "yes", "key": "0" * 32, "expected": "41"},
        ):
            answer = await client.post("/orders/bulk", data=form | more)
            assert answer.status_code == 400
            assert "More than 40 orders match; nothing was done." in answer.text
        for expected in ("", "-1", "9" * 40, "1"):
            few = form | {
                "back": "/orders?status=0",
                "sure": "yes",
                "key": "1" * 32,
                "expected": expected,
            }
            assert (await client.post("/orders/bulk", data=few)).status_code in (200, 409)
        assert await value(shop, "SELECT count(*) FROM bulk_acts") == 0

    visit(shop, work)


def test_who_may_only_look_does_nothing_and_stops_nothing(shop: Shop) -> None:
    kept: list[str] = []

    async def maya(client: httpx.AsyncClient, shop: Shop) -> None:
        form = await form_of(client, "/orders?status=0", "cancel")
        look = await client.post("/orders/bulk", data=form)
        kept.append(
            (await client.post("/orders/bulk", data=form | sure_of(look.text))).headers["location"]
        )

    async def ann(client: httpx.AsyncClient, shop: Shop) -> None:
        page = (await client.get("/orders?status=0")).text
        assert 'value="note"' not in page
        for doing in ("cancel", "redeliver", "note"):
            form = {
                "csrf": field(page, "csrf"),
                "back": "/orders?status=0",
                "do": doing,
                "all": "yes",
                "sure": "yes",
                "key": "0" * 32,
                "expected": str(await counted(shop, 0)),
                "note": "x",
            }
            assert (await client.post("/orders/bulk", data=form)).status_code == 403
        assert (await client.get(kept[0])).status_code == 200
        assert (
            await client.post(kept[0] + "/stop", data={"csrf": field(page, "csrf")})
        ).status_code == 403

    async def stranger(client: httpx.AsyncClient, shop: Shop) -> None:
        assert (await client.get(kept[0])).status_code == 404
        csrf = field((await client.get("/orders")).text, "csrf")
        assert (await client.post(kept[0] + "/stop", data={"csrf": csrf})).status_code == 404

    async def stops(client: httpx.AsyncClient, shop: Shop) -> None:
        page = (await client.get(kept[0])).text
        await client.post(kept[0] + "/stop", data={"csrf": field(page, "csrf")})
        drafts = await counted(shop, 0)
        await worked(shop)
        assert await counted(shop, 0) == drafts
        assert f"0 done, 0 not done, {drafts} not started" in (await client.get(kept[0])).text

    visit(shop, maya)
    visit(shop, ann, email="ann@example.test", address="198.51.100.8")
    visit(shop, stranger, email="empty@example.test", address="198.51.100.9")
    visit(shop, stops, address="198.51.100.10")


def test_a_worker_that_died_goes_on_where_it_was(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        monkeypatch.setattr(on_many, "AT_ONCE", 5)
        form = await form_of(client, "/orders?status=2", "note")
        look = await client.post("/orders/bulk", data=form)
        answer = await client.post(
            "/orders/bulk", data=form | sure_of(look.text) | {"note": "Once only"}
        )
        kept, calls = on_many.act_on, 0

        async def dies(*args: Any) -> str:
            nonlocal calls
            calls += 1
            told = await kept(*args)
            if calls == 7:
                raise ConnectionError("gone")
            return told

        monkeypatch.setattr(on_many, "act_on", dies)
        await worked(shop)
        monkeypatch.setattr(on_many, "act_on", kept)
        await value(shop, "UPDATE due_work SET lease_until = NULL")
        await worked(shop)
        count = await counted(shop, 2)
        assert f"{count} done, 0 not done" in (await client.get(answer.headers["location"])).text
        assert (
            await value(shop, "SELECT count(*) FROM order_notes WHERE text = 'Once only'") == count
        )

    visit(shop, work)


def test_all_that_match_are_exported(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        form = await form_of(client, "/orders?status=2&zone=Asia/Tokyo", "export")
        answer = await client.post("/orders/bulk", data=form)
        file = await client.get(answer.headers["location"])
        assert len(file.text.splitlines()) == await counted(shop, 2) + 1

    visit(shop, work)
