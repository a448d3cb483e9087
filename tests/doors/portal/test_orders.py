"""The list as people work with it: views, zones, columns, files, what is new, many orders at once."""

import asyncio
import csv
import html
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
from tests.doors.portal.shop import Shop, drop_shop, make_shop
from tests.doors.portal.test_portal import field, ids, visit

from recoup.doors.portal.orders import export
from recoup.doors.portal.orders.columns import COLUMNS
from recoup.store.server import ServerAddress

ALL = ",".join(COLUMNS)


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=150))
    yield made
    asyncio.run(drop_shop(server, made))


async def page_of(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.headers.get("location"))
    return answer.text


def tabs(page: str) -> dict[str, str]:
    """Word -> link, of the views over the list."""
    part = page[page.index('<nav class="tabs"') :]
    part = part[: part.index("</nav>")]
    return {html.unescape(word): html.unescape(link)
            for link, word in re.findall(r'<a href="([^"]*)"[^>]*><bdi>(.*?)</bdi>', part)}  # fmt: skip


def here(page: str) -> list[str]:
    return [html.unescape(word) for word in re.findall(r'aria-current="page"><bdi>(.*?)</bdi>', page)]


def chips(page: str) -> list[str]:
    return [html.unescape(words) for words in re.findall(r'aria-label="Remove filter: (.*?)"', page)]


def test_typed_filters_become_chips_that_can_be_taken_off(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        typed = "status:paid amount:>5 site:leaf-1.example currency:usd"
        answer = await client.get("/orders", params={"q": typed})
        assert answer.status_code == 303
        page = await page_of(client, answer.headers["location"])
        assert chips(page) == ["Status: Completed", "Site: leaf-1", "Amount: more than 5", "Currency: USD"]
        assert ids(page)
        off = re.search(r'href="([^"]+)" aria-label="Remove filter: Currency: USD"', page)
        assert off
        assert chips(await page_of(client, html.unescape(off[1]))) == chips(page)[:3]
        assert re.search(r'<a class="btn small quiet" href="/orders">Clear all</a>', page)

    visit(shop, work)


def test_what_was_typed_wrongly_stays_and_is_named(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await page_of(client, "/orders?q=ana+status%3Anope&min=much&zone=Nowhere%2FCity")
        assert 'value="ana status:nope"' in page
        assert 'value="much" aria-invalid="true"' in page
        assert "Not understood and left out:" in page

    visit(shop, work)


EACH = ["attempts=1", "expires=30d", "amount=%3E50", "amount=5..5000&currency=JPY", "external=SUB-7001-2026-11",
        "campaign=nope", "channel=mock", "refunded=0", "placed=30d&zone=Pacific/Apia", "created=last-year",
        "sort=expires&up=1", "sort=created", "sort=amount&up=1&status=7", "view=nope", "view=" + "9" * 999,
        "sort=created&cursor=n123.zz", "sort=amount&cursor=na99999999999999999999." + "0" * 32,
        "sort=expires&cursor=ne." + "0" * 32]  # fmt: skip


@pytest.mark.parametrize("address", EACH)
def test_each_filter_and_order_is_a_page(shop: Shop, address: str) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        assert "<h1>Orders</h1>" in await page_of(client, f"/orders?{address}&cols={ALL}")

    visit(shop, work)


def test_one_header_says_the_order_and_its_link_turns_it(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        for sort in ("placed", "created", "amount", "expires"):
            page = await page_of(client, f"/orders?sort={sort}&cols={ALL}&size=25")
            assert page.count("aria-sort=") == 1
            assert re.search(r'aria-sort="descending"><a href="[^"]*up=1', page)
            following = re.search(r'rel="next" href="([^"]+)"', page)
            assert following
            second = await page_of(client, html.unescape(following[1]))
            assert not set(ids(second)) & set(ids(page))

    visit(shop, work)


def test_the_zone_is_kept_for_a_person_shared_by_a_link_and_shown_in_the_header(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await page_of(client, "/orders")
        form = {"csrf": field(page, "csrf"), "back": "/orders?status=7", "zone": "Asia/Tokyo"}
        answer = await client.post("/orders/look", data=form)
        assert answer.headers["location"] == "/orders?status=7&zone=Asia%2FTokyo"
        page = await page_of(client, "/orders?status=7")
        assert "Placed (Tokyo)" in page
        shown = re.search(r'data-l="Placed"><time datetime="([^"]+)" title="([^"]+)">', page)
        assert shown
        moment = datetime.fromisoformat(shown[1])
        assert moment.utcoffset() == UTC.utcoffset(None)
        assert shown[2].startswith(moment.astimezone(ZoneInfo("Asia/Tokyo")).strftime("%Y-%m-%d %H:%M:%S JST"))
        assert "Placed (GMT)" in await page_of(client, "/orders?zone=GMT")
        assert "zone=GMT" in await page_of(client, "/orders?zone=GMT")
        wrong = await client.post("/orders/look", data=form | {"zone": "Mars/Olympus"})
        assert wrong.status_code == 400
        assert 'value="Mars/Olympus"' in wrong.text
        assert "Status: Completed" in wrong.text
        await client.post("/orders/look", data=form | {"zone": "GMT"})

    visit(shop, work)


def test_columns_are_chosen_by_each_person_and_never_none(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        csrf = field(await page_of(client, "/orders"), "csrf")
        form: dict[str, Any] = {"csrf": csrf, "back": "/orders"}
        await client.post("/orders/look", data=form | {"cols": ["expires", "order_id", "attempts", "evil"]})
        page = await page_of(client, "/orders")
        head = page[page.index("<thead>") : page.index("</thead>")]
        assert re.findall(r"(Order Id|Attempts|Expires|Customer)", re.sub(r'="[^"]*"', "", head)) == [
            "Order Id", "Attempts", "Expires",
        ]  # fmt: skip
        assert (await client.post("/orders/look", data=form)).status_code == 400
        await client.post("/orders/look", data=form | {"usual": "1"})
        assert "Customer" in await page_of(client, "/orders")

    visit(shop, work)


def test_a_view_is_saved_left_saved_again_renamed_and_deleted(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await page_of(client, "/orders?status=8")
        assert here(page) == ["Chargebacks"]
        form = {"csrf": field(page, "csrf"), "back": "/orders?status=4&expires=72h", "name": "Ends soon"}
        made = await client.post("/orders/views", data=form)
        assert (await client.post("/orders/views", data=form)).status_code == 409
        page = await page_of(client, made.headers["location"])
        assert here(page) == ["Ends soon"]
        link = tabs(page)["Ends soon"]
        view = parse_qs(urlsplit(link).query)["view"][0]
        changed = await page_of(client, link + "&currency=USD")
        assert here(changed) == []
        assert "Changed from" in changed
        assert f'href="{html.escape(link)}">Reset</a>' in changed
        back = {"csrf": form["csrf"], "back": link + "&currency=USD"}
        await client.post(f"/orders/views/{view}", data=back | {"do": "save"})
        assert "currency=USD" in tabs(await page_of(client, "/orders"))["Ends soon"]
        await client.post(f"/orders/views/{view}", data=back | {"do": "rename", "name": "<b>Mine</b> نورا"})
        assert "<b>Mine</b> نورا" in tabs(await page_of(client, "/orders"))
        nameless = await client.post(f"/orders/views/{view}", data=back | {"do": "rename", "name": " "})
        assert nameless.status_code == 400
        for _ in range(2):
            gone = await client.post(f"/orders/views/{view}", data=back | {"do": "delete"})
            assert gone.status_code == 303
        assert "<b>Mine</b> نورا" not in tabs(await page_of(client, "/orders"))
        late = await client.post(f"/orders/views/{view}", data=back | {"do": "save"})
        assert late.status_code == 404
        assert "was deleted" in late.text

    visit(shop, work)


def test_views_are_of_one_person_at_one_merchant_and_not_endless(shop: Shop) -> None:
    async def maya(client: httpx.AsyncClient, shop: Shop) -> None:
        csrf = field(await page_of(client, "/orders"), "csrf")
        for number in range(30):
            data = {"csrf": csrf, "back": "/orders?status=7", "name": f"Mine {number}"}
            assert (await client.post("/orders/views", data=data)).status_code == 303
        data = {"csrf": csrf, "back": "/orders?status=7", "name": "One more"}
        full = await client.post("/orders/views", data=data)
        assert full.status_code == 409
        assert "30 views already" in full.text
        assert (await client.post("/orders/views", data=data | {"csrf": "no"})).status_code == 403

    async def ann(client: httpx.AsyncClient, shop: Shop) -> None:
        assert not [word for word in tabs(await page_of(client, "/orders")) if word.startswith("Mine")]

    visit(shop, maya)
    visit(shop, ann, email="ann@example.test", address="198.51.100.8")


# files ----------------------------------------------------------------------------------------------------------


async def every_id(client: httpx.AsyncClient, path: str) -> list[str]:
    found: list[str] = []
    while True:
        page = await page_of(client, path)
        found += ids(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        if following is None:
            return found
        path = html.unescape(following[1])


@pytest.mark.parametrize("narrowed", ["", "status=7&status=4&zone=Asia/Kolkata", "type=mit&sort=amount", "q=wójcik",
                                      "amount=%3E5&sort=created&up=1", "sort=expires&attempts=1"])  # fmt: skip
def test_a_file_is_the_list_row_for_row(shop: Shop, narrowed: str) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        listed = await every_id(client, f"/orders?{narrowed}&size=100" if narrowed else "/orders?size=100")
        assert listed
        tables = {form: await client.get(f"/orders/export.{form}?{narrowed}") for form in ("csv", "json", "xlsx")}
        rows = list(csv.DictReader(io.StringIO(tables["csv"].text)))
        assert [row["Order Id"] for row in rows] == listed
        told = json.loads(tables["json"].text)
        assert [one["order_id"] for one in told] == listed
        sheet = sheet_of(tables["xlsx"].content)
        heads = sheet[0]
        assert [row[heads.index("Order Id")] for row in sheet[1:]] == listed
        for row, one, cells in zip(rows, told, sheet[1:], strict=True):
            assert row["Amount"] == one["amount"]
            assert row["Currency"] == one["currency"]
            assert float(cells[heads.index("Amount")]) == float(one["amount"])
            assert row["Status"] == one["status"] == cells[heads.index("Status")]
        zone, offset = ("Asia/Kolkata", "+05:30") if "Kolkata" in narrowed else ("GMT", "+00:00")
        assert rows[0][f"Placed ({zone})"].endswith(offset)

    visit(shop, work)


def sheet_of(content: bytes) -> list[list[str]]:
    """The cells' texts, row by row; an empty cell is an empty text."""
    xml = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in xml
    found = []
    for row in re.findall(r"<row [^>]*?(?:/>|>(.*?)</row>)", xml, re.S):
        cells: dict[int, str] = {}
        for name, inner in re.findall(r'<c r="([A-Z]+)\d+"[^>]*>(.*?)</c>', row, re.S):
            value = re.search(r"<(?:t|v)[^>]*>(.*?)</(?:t|v)>", inner, re.S)
            cells[ord(name) - 65] = html.unescape(value[1]) if value else ""
        found.append([cells.get(at, "") for at in range(max(cells, default=-1) + 1)])
    return found


def test_a_file_has_the_columns_that_are_seen_and_says_its_days_and_zone(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        days = "placed_from=2000-01-01&placed_to=2190-01-01"
        page = await page_of(client, f"/orders?{days}&zone=Europe/Berlin&cols=placed,amount")
        link = re.search(r'href="(/orders/export\.csv[^"]*)"', page)
        assert link
        answer = await client.get(html.unescape(link[1]))
        assert answer.headers["content-disposition"] == (
            'attachment; filename="orders_2000-01-01_2190-01-01_Europe-Berlin.csv"'
        )
        assert answer.text.splitlines()[0] == "Placed (Europe/Berlin),Amount,Currency"
        assert len(answer.text.splitlines()) == 151

    visit(shop, work)


def test_no_cell_of_a_file_is_a_formula(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        order = shop.stories["declined"].order_id
        evil = '=HYPERLINK("https://evil.example","Ann")'
        connection = await asyncpg.connect(shop.dsn)
        await connection.execute(
            "UPDATE order_payer SET first_name = $2, last_name = '' WHERE order_id = $1", order, evil
        )
        await connection.close()
        row = next(csv.DictReader(io.StringIO((await client.get(f"/orders/export.csv?id={order}")).text)))
        assert row["Customer"] == "'" + evil
        assert json.loads((await client.get(f"/orders/export.json?id={order}")).text)[0]["customer"] == evil
        sheet = sheet_of((await client.get(f"/orders/export.xlsx?id={order}")).content)
        assert sheet[1][sheet[0].index("Customer")] == evil

    visit(shop, work)


def test_what_cannot_be_a_file_is_said_on_the_list(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        monkeypatch.setattr(export, "ROWS_MAX", 20)
        big = await client.get("/orders/export.xlsx?status=7&status=2")
        assert big.status_code == 400
        assert "no XLSX file was made" in big.text
        assert "Status: Cancelled, Completed" in big.text
        wrong = await client.get("/orders/export.csv?zone=Nowhere")
        assert (wrong.status_code, "no file was made" in wrong.text) == (400, True)
        assert (await client.get("/orders/export.pdf")).status_code == 404
        assert json.loads((await client.get("/orders/export.json?external=nothing")).text) == []

    visit(shop, work)


def test_a_foreign_order_is_in_no_file(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        assert json.loads((await client.get(f"/orders/export.json?id={shop.other_order}")).text) == []
        assert str(shop.other_order) not in (await client.get("/orders/export.csv")).text

    visit(shop, work)


# what is new, and many at once ----------------------------------------------------------------------------------


def test_the_page_is_told_how_many_orders_are_new(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await page_of(client, "/orders?status=2")
        news = re.search(r'href="(/orders\?[^"]*)" data-new="([^"]+)"', page)
        assert news
        assert html.unescape(news[1]) == "/orders?status=2"
        assert (await client.get(html.unescape(news[2]))).json() == {"count": 0, "more": False}
        connection = await asyncpg.connect(shop.dsn)
        moved = "UPDATE order_heads SET placed_at = placed_at + $2 WHERE order_id = ANY($1::uuid[])"
        await connection.execute(moved, ids(page)[1:3], timedelta(days=30))
        assert (await client.get(html.unescape(news[2]))).json() == {"count": 2, "more": False}
        await connection.execute(moved, ids(page)[1:3], timedelta(days=-30))
        await connection.close()
        for broken in ("", "cursor=zz", "cursor=" + "9" * 5000, "q=%00"):
            assert (await client.get(f"/orders/new?{broken}")).json() == {"count": 0, "more": False}

    visit(shop, work)


async def of_status(client: httpx.AsyncClient, code: int) -> list[str]:
    return ids(await page_of(client, f"/orders?status={code}"))


def test_several_orders_are_cancelled_after_a_look_each_with_its_answer(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        drafts, done = (await of_status(client, 0))[:2], (await of_status(client, 7))[:1]
        page = await page_of(client, "/orders?status=0&status=7")
        form: dict[str, Any] = {"csrf": field(page, "csrf"), "back": "/orders?status=0&status=7", "do": "cancel",
                                "order": [*drafts, *done, str(shop.other_order), "nope"]}  # fmt: skip
        look = await client.post("/orders/bulk", data=form)
        assert "Cancel 3 orders</button>" in look.text
        assert "1 of those selected is no order of Brightleaf Tea" in html.unescape(look.text)
        assert set(drafts) <= set(await of_status(client, 0))
        for again in (2, 2):
            answer = await client.post("/orders/bulk", data=form | {"sure": "1"})
            assert f"<h1>{again} of 3 orders done</h1>" in answer.text
            assert answer.text.count("Not done.") == 1
        assert not set(drafts) & set(await of_status(client, 0))
        assert done[0] in await of_status(client, 7)

    visit(shop, work)


def test_selected_orders_are_exported_as_they_are_seen(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await page_of(client, "/orders?status=7&zone=Asia/Tokyo&cols=order_id,placed")
        form: dict[str, Any] = {"csrf": field(page, "csrf"), "do": "export", "order": ids(page)[:3],
                                "back": "/orders?status=7&zone=Asia/Tokyo&cols=order_id,placed"}  # fmt: skip
        answer = await client.post("/orders/bulk", data=form)
        file = await client.get(answer.headers["location"])
        rows = list(csv.reader(io.StringIO(file.text)))
        assert rows[0] == ["Order Id", "Placed (Asia/Tokyo)"]
        assert [row[0] for row in rows[1:]] == ids(page)[:3]
        for wrong in ({"order": []}, {"do": "refund"}, {"order": ["nope"]}):
            refused = await client.post("/orders/bulk", data=form | wrong)
            assert (refused.status_code, "<h1>Orders</h1>" in refused.text) == (400, True)

    visit(shop, work)


def test_the_last_event_is_sent_again_once_to_each_endpoint_that_listens(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await page_of(client, "/orders?status=7")
        order = shop.stories["completed"].order_id
        form: dict[str, Any] = {"csrf": field(page, "csrf"), "do": "redeliver", "order": [str(order)],
                                "back": "/orders"}  # fmt: skip
        answer = await client.post("/orders/bulk", data=form)
        assert "No active endpoint listens" in answer.text
        connection = await asyncpg.connect(shop.dsn)
        listens = "UPDATE endpoints SET events = '{order.completed}' WHERE merchant_id = $1"
        await connection.execute(listens, shop.merchant_id)
        for seq, name in ((90, "order.completed"), (91, "order.other")):
            await connection.execute(
                "INSERT INTO feed (merchant_id, feed_no, subject_id, seq, event_id, event, number)"
                " VALUES ($1, $2::int, $3, $2::int, gen_random_uuid(), $4, $2::int)",
                shop.merchant_id, seq, order, name,
            )  # fmt: skip
        first = await client.post("/orders/bulk", data=form)
        assert "Sent again: order.completed to 1 endpoint" in first.text
        second = await client.post("/orders/bulk", data=form)
        assert "order.completed is on its way already" in second.text
        asked = "SELECT * FROM replays WHERE merchant_id = $1 AND events = '{order.completed}'"
        (note,) = await connection.fetch(asked, shop.merchant_id)
        assert note["actor"].startswith("user:")
        assert (json.loads(note["asked"])["sequence"], note["feed_from"], note["feed_to"]) == (90, 90, 90)
        waits = "DELETE FROM due_work WHERE kind = 'replay' AND subject_id = $1 RETURNING merchant_id"
        assert await connection.fetchval(waits, note["replay_id"]) == shop.merchant_id
        await connection.close()

    visit(shop, work)


def test_who_may_only_look_changes_nothing_in_bulk(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await page_of(client, "/orders?status=4")
        bar = page[page.index('class="bulk"') :]
        assert 'value="cancel"' not in bar
        assert 'value="redeliver"' not in bar
        form: dict[str, Any] = {"csrf": field(page, "csrf"), "order": ids(page)[:1], "back": "/orders", "sure": "1"}
        for doing in ("cancel", "redeliver"):
            assert (await client.post("/orders/bulk", data=form | {"do": doing})).status_code == 403
        assert (await client.post("/orders/bulk", data=form | {"do": "cancel", "csrf": "x"})).status_code == 403

    visit(shop, work, email="ann@example.test", address="198.51.100.8")
