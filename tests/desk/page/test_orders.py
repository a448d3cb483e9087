"""The list as people work with it: views, zones, columns, files, what is new,
many orders at once."""

import asyncio
import csv
import html
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest
from tests.people.page.test_portal import field, ids, visit
from tests.rings import each
from tests.shop import Shop, drop_shop, in_the_clear, make_shop, plain

from recoup.db.server import ServerAddress
from recoup.desk.page.orders import export
from recoup.desk.store.columns import COLUMNS
from recoup.kernel.money import shown
from recoup.people.flows.sessions import IDLE
from recoup.people.page.endpoint import POLL

ALL = ",".join(COLUMNS)


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=150))
    asyncio.run(in_the_clear(made))
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
    return {
        html.unescape(word): html.unescape(link)
        for link, word in re.findall(r'<a href="([^"]*)"[^>]*><bdi>(.*?)</bdi>', part)
    }


def here(page: str) -> list[str]:
    return [
        html.unescape(word) for word in re.findall(r'aria-current="page"><bdi>(.*?)</bdi>', page)
    ]


def chips(page: str) -> list[str]:
    return [
        html.unescape(words) for words in re.findall(r'aria-label="Remove filter: (.*?)"', page)
    ]


def test_typed_filters_become_chips_that_can_be_taken_off(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        typed = "status:paid amount:>5 site:leaf-1.example currency:usd"
        answer = await client.get("/orders", params={"q": typed})
        assert answer.status_code == 303
        page = await page_of(client, answer.headers["location"])
        assert chips(page) == [
            "Status: Completed",
            "Site: leaf-1",
            "Amount: more than 5",
            "Currency: USD",
        ]
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
        assert 'Not understood: <bdi class="wrap">min, zone, status:nope</bdi>' in page
        assert "No order is shown" in page
        assert ids(page) == []
        assert 'href="/orders?q=ana">show the list without it</a>' in page
        for typed, meant in (
            ("status:complted", "status:completed"),
            ("statsu:paid", "status:paid"),
            ("site:leaf", "site:leaf-0"),
            ("reason:expird", "reason:expired"),
            ("placed:yesterdy", "placed:yesterday"),
        ):
            page = await page_of(client, f"/orders?q={quote(typed)}")
            assert "No order is shown" in page, typed
            offered = re.search(rf'href="(/orders\?[^"]+)"><bdi class="cut">{meant}<', page)
            assert offered, (typed, page)
            answer = await client.get(html.unescape(offered[1]))
            assert answer.status_code in (200, 303), typed
            assert "Not understood" not in answer.text, typed
        page = await page_of(client, "/orders?statuss=7")
        assert "No order is shown" in page
        assert 'href="/orders?status=7"><bdi class="cut">status=7<' in page
        assert ids(await page_of(client, "/orders?utm_source=mail&zone=Nowhere%2FCity"))

    visit(shop, work)


EACH = [
    "attempts=1",
    "expires=30d",
    "amount=%3E50",
    "amount=5..5000&currency=JPY",
    "external=SUB-7001-2026-11",
    "campaign=nope",
    "channel=mock",
    "refunded=0",
    "placed=30d&zone=Pacific/Apia",
    "created=last-year",
    "sort=expires&up=1",
    "sort=created",
    "sort=amount&up=1&status=7",
    "view=nope",
    "view=" + "9" * 999,
    "sort=created&cursor=n123.zz",
    "sort=amount&cursor=na99999999999999999999." + "0" * 32,
    "sort=expires&cursor=ne." + "0" * 32,
]


@each("address", EACH)
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
        assert shown[2].startswith(
            moment.astimezone(ZoneInfo("Asia/Tokyo")).strftime("%Y-%m-%d %H:%M:%S JST")
        )
        assert "Placed (GMT)" in await page_of(client, "/orders?zone=GMT")
        assert "zone=GMT" in await page_of(client, "/orders?zone=GMT")
        wrong = await client.post("/orders/look", data=form | {"zone": "Mars/Olympus"})
        assert wrong.status_code == 400
        assert 'value="Mars/Olympus"' in wrong.text
        assert "Status: Completed" in wrong.text
        await client.post("/orders/look", data=form | {"zone": "GMT"})

    visit(shop, work)


def test_a_moment_in_a_sentence_is_said_in_the_zone_of_the_list_and_of_the_reader(
    shop: Shop,
) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        connection = await asyncpg.connect(shop.dsn)
        order_id = await connection.fetchval(
            "UPDATE order_heads SET attention = 'held:The card''s allowance is used up until "
            "2031-01-31 23:30 UTC.'"
            " WHERE order_id = (SELECT order_id FROM order_heads WHERE merchant_id = $1 AND "
            "attention IS NOT NULL"
            " ORDER BY placed_at DESC LIMIT 1) RETURNING order_id",
            shop.merchant_id,
        )
        await connection.close()
        tokyo = html.unescape(await page_of(client, "/orders?attention=1&zone=Asia/Tokyo"))
        assert (
            tokyo.count("The card's allowance is used up until 1 Feb 2031 08:30 Asia/Tokyo.") == 2
        ), "and on hover"
        for path in ("/orders?attention=1", f"/orders/{order_id}"):
            assert "is used up until 31 Jan 2031 23:30 GMT." in html.unescape(
                await page_of(client, path)
            )
        german = await client.get(
            "/orders?attention=1&zone=Asia/Tokyo", headers={"accept-language": "de"}
        )
        assert "1. Feb. 2031 08:30 Asia/Tokyo" in german.text

    visit(shop, work)


def test_columns_are_chosen_by_each_person_and_never_none(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        csrf = field(await page_of(client, "/orders"), "csrf")
        form: dict[str, Any] = {"csrf": csrf, "back": "/orders"}
        await client.post(
            "/orders/look", data=form | {"cols": ["expires", "order_id", "attempts", "evil"]}
        )
        page = await page_of(client, "/orders")
        head = page[page.index("<thead>") : page.index("</thead>")]
        assert re.findall(
            r"(Order id|Attempts|Expires|Customer)", re.sub(r'="[^"]*"', "", head)
        ) == [
            "Order id",
            "Attempts",
            "Expires",
        ]
        assert (await client.post("/orders/look", data=form)).status_code == 400
        await client.post("/orders/look", data=form | {"usual": "yes"})
        assert "Customer" in await page_of(client, "/orders")

    visit(shop, work)


def test_a_view_is_saved_left_saved_again_renamed_and_deleted(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await page_of(client, "/orders?status=8")
        assert here(page) == ["Chargebacks"]
        form = {
            "csrf": field(page, "csrf"),
            "back": "/orders?status=4&expires=72h",
            "name": "Ends soon",
        }
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
        await client.post(
            f"/orders/views/{view}", data=back | {"do": "rename", "name": "<b>Mine</b> نورا"}
        )
        assert "<b>Mine</b> نورا" in tabs(await page_of(client, "/orders"))
        nameless = await client.post(
            f"/orders/views/{view}", data=back | {"do": "rename", "name": " "}
        )
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
        assert not [
            word for word in tabs(await page_of(client, "/orders")) if word.startswith("Mine")
        ]

    visit(shop, maya)
    visit(shop, ann, email="ann@example.test", address="198.51.100.8")


# files
# --------------------------------------------------------------------------------------------------


async def every_id(client: httpx.AsyncClient, path: str) -> list[str]:
    found: list[str] = []
    while True:
        page = await page_of(client, path)
        found += ids(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        if following is None:
            return found
        path = html.unescape(following[1])


@each(
    "narrowed",
    [
        "",
        "status=7&status=4&zone=Asia/Kolkata",
        "type=mit&sort=amount",
        "q=wójcik",
        "amount=%3E5&sort=created&up=1",
        "sort=expires&attempts=1",
    ],
)
def test_a_file_is_the_list_row_for_row(shop: Shop, narrowed: str) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        listed = await every_id(
            client, f"/orders?{narrowed}&size=100" if narrowed else "/orders?size=100"
        )
        assert listed
        tables = {
            form: await client.get(f"/orders/export.{form}?{narrowed}")
            for form in ("csv", "json", "xlsx")
        }
        rows = list(csv.DictReader(io.StringIO(plain(tables["csv"]))))
        assert [row["Order Id"] for row in rows] == listed
        told = json.loads(tables["json"].text)
        assert [one["order_id"] for one in told] == listed
        sheet = sheet_of(tables["xlsx"].content)
        heads = sheet[0]
        assert [row[heads.index("Order Id")] for row in sheet[1:]] == listed
        for row, one, cells in zip(rows, told, sheet[1:], strict=True):
            assert row["Amount"] == one["amount"]
            assert row["Currency"] == one["currency"]
            assert Decimal(cells[heads.index("Amount")]) == Decimal(one["amount"])
            assert row["Status"] == one["status"] == cells[heads.index("Status")]
            for head in (head for head in heads if head.endswith(")")):
                assert dated(cells[heads.index(head)]) == row[head][:19].replace("T", " ")
        zone, offset = ("Asia/Kolkata", "+05:30") if "Kolkata" in narrowed else ("GMT", "+00:00")
        assert rows[0][f"Placed ({zone})"].endswith(offset)

    visit(shop, work)


def dated(serial: str) -> str:
    """What a spreadsheet shows of a date: `2026-11-20 06:39:00`."""
    seconds = round(float(serial) * 86_400) if serial else None
    return (
        ""
        if seconds is None
        else str(datetime(1899, 12, 30, tzinfo=UTC) + timedelta(seconds=seconds))[:19]
    )


def test_a_spreadsheet_has_dates_numbers_and_each_digit_of_what_it_cannot_count(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        ids_ = [str(shop.stories[name].order_id) for name in ("returned", "capture", "problem")]
        connection = await asyncpg.connect(shop.dsn)
        for order_id, (units, asset) in zip(
            ids_, ((9_007_199_254_740_993, "USD"), (12_500, "KWD"), (500, "JPY")), strict=True
        ):
            for table in ("orders", "order_heads"):
                await connection.execute(
                    f"UPDATE {table} SET units = $2, asset = $3 WHERE order_id = $1::uuid",
                    order_id,
                    units,
                    asset,
                )
        await connection.close()
        narrowed = "zone=Asia/Tokyo&cols=order_id,placed,amount&id=" + ",".join(ids_)
        answer = await client.get(f"/orders/export.xlsx?{narrowed}")
        xml = zipfile.ZipFile(io.BytesIO(answer.content))
        styles, page = (
            xml.read(f"xl/{name}.xml").decode() for name in ("styles", "worksheets/sheet1")
        )
        formats = dict(re.findall(r'numFmtId="(\d+)" formatCode="([^"]*)"', styles))
        used = [
            formats.get(one, "") for one in re.findall(r'<xf numFmtId="(\d+)"[^>]* xfId=', styles)
        ]
        heads, *rows = sheet_of(answer.content)
        assert heads == ["Order Id", "Placed (Asia/Tokyo)", "Amount", "Currency"]
        for at, (order_id, placed, amount, _) in enumerate(rows, 2):
            told = {name: re.findall(rf'<c r="{name}{at}"([^>]*)>', page)[0] for name in "ABC"}
            shape = {
                name: used[int(found[1])] if (found := re.search(r's="(\d+)"', one)) else ""
                for name, one in told.items()
            }
            assert shape["B"] == "yyyy-mm-dd hh:mm:ss"
            story = next(one for one in shop.stories.values() if str(one.order_id) == order_id)
            assert dated(placed) == str(story.placed_at.astimezone(ZoneInfo("Asia/Tokyo")))[:19]
            expected = {
                ids_[0]: ("90071992547409.93", "#,##0.00"),
                ids_[1]: ("12.500", "#,##0.000"),
                ids_[2]: ("500", "#,##0"),
            }[order_id]
            if order_id == ids_[0]:
                assert (amount, "inlineStr" in told["C"]) == (expected[0], True), (
                    "no float keeps sixteen digits"
                )
            else:
                assert (Decimal(amount), shape["C"]) == (Decimal(expected[0]), expected[1])

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
    return [row + [""] * (len(found[0]) - len(row)) for row in found]


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
        assert plain(answer).splitlines()[0] == "Placed (Europe/Berlin),Amount,Currency"
        assert len(answer.text.splitlines()) == 151

    visit(shop, work)


def test_no_cell_of_a_file_is_a_formula(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        order = shop.stories["declined"].order_id
        evil = '=HYPERLINK("https://evil.example","Ann")'
        await in_the_clear(shop)
        connection = await asyncpg.connect(shop.dsn)
        await connection.execute(
            "UPDATE order_payer SET first_name = $2, last_name = '' WHERE order_id = $1",
            order,
            evil,
        )
        await connection.close()
        row = next(
            csv.DictReader(io.StringIO(plain(await client.get(f"/orders/export.csv?id={order}"))))
        )
        assert row["Customer"] == "'" + evil
        assert (
            json.loads((await client.get(f"/orders/export.json?id={order}")).text)[0]["customer"]
            == evil
        )
        sheet = sheet_of((await client.get(f"/orders/export.xlsx?id={order}")).content)
        assert sheet[1][sheet[0].index("Customer")] == evil
        await in_the_clear(shop, sight="reveal")

    visit(shop, work)


def test_what_cannot_be_a_file_is_said_on_the_list(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        assert (
            json.loads((await client.get(f"/orders/export.json?id={shop.other_order}")).text) == []
        )
        assert str(shop.other_order) not in (await client.get("/orders/export.csv")).text

    visit(shop, work)


# what is new, and many at once
# ----------------------------------------------------------------------------------


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
        form: dict[str, Any] = {
            "csrf": field(page, "csrf"),
            "back": "/orders?status=0&status=7",
            "do": "cancel",
            "order": [*drafts, *done, str(shop.other_order), "nope"],
        }
        look = await client.post("/orders/bulk", data=form)
        assert "Cancel 2 of 3 orders?" in look.text
        assert "<b>1</b> stays as it is" in look.text
        assert "Cancel 2 orders</button>" in look.text
        assert "never tried again" in look.text
        assert "1 of the selected ids left out: no order of Brightleaf Tea" in html.unescape(
            look.text
        )
        assert set(drafts) <= set(await of_status(client, 0))
        for again in (2, 2):
            answer = await client.post("/orders/bulk", data=form | {"sure": "yes"})
            assert f"<h1>{again} of 3 orders done</h1>" in answer.text
            assert answer.text.count("Not done.") == 1
        assert not set(drafts) & set(await of_status(client, 0))
        assert done[0] in await of_status(client, 7)

    visit(shop, work)


def test_selected_orders_are_exported_as_they_are_seen(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await page_of(client, "/orders?status=7&zone=Asia/Tokyo&cols=order_id,placed")
        form: dict[str, Any] = {
            "csrf": field(page, "csrf"),
            "do": "export",
            "order": ids(page)[:3],
            "back": "/orders?status=7&zone=Asia/Tokyo&cols=order_id,placed",
        }
        answer = await client.post("/orders/bulk", data=form)
        file = await client.get(answer.headers["location"])
        rows = list(csv.reader(io.StringIO(plain(file))))
        assert rows[0] == ["Order Id", "Placed (Asia/Tokyo)"]
        assert [row[0] for row in rows[1:]] == ids(page)[:3]
        for wrong in ({"order": []}, {"do": "refund"}, {"order": ["nope"]}):
            refused = await client.post("/orders/bulk", data=form | wrong)
            assert (refused.status_code, "<h1>Orders</h1>" in refused.text) == (400, True)

    visit(shop, work)


def test_words_that_no_order_has_and_that_are_a_filter_become_it(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        story = shop.stories["completed"]
        amount = shown(story.units, story.asset)
        for typed in (
            amount,
            amount.replace(".", ","),
            f"{amount} {story.asset.lower()}",
            f"{story.asset} {amount}",
        ):
            answer = await client.get("/orders", params={"q": typed, "size": 100})
            assert (answer.status_code, "amount=" in answer.headers["location"]) == (303, True), (
                typed
            )
            assert str(story.order_id) in ids(await page_of(client, answer.headers["location"]))
        for nothing in ("987654321.01", f"{amount} coins", "no-such-word"):
            page = await page_of(client, f"/orders?q={quote(nothing)}")
            assert "Amount: " not in page
            assert "No order matches" in page
        for typed, narrowed in {
            "chargeback": "status=8",
            "Chargebacks": "status=8",
            "on hold": "status=1",
            "declined": "reason=declined",
            "insufficient funds": "code=insufficient+funds",
            "not sufficient funds": "code=not+sufficient+funds",
            "LEAF-1": "site=",
            "call-centre": None,
        }.items():
            answer = await client.get("/orders", params={"q": typed})
            if narrowed is None:
                assert answer.status_code == 200, typed
                continue
            assert (answer.status_code, narrowed in answer.headers.get("location", "")) == (
                303,
                True,
            ), typed
            assert ids(await page_of(client, answer.headers["location"])), typed

    visit(shop, work)


def test_the_last_event_is_sent_again_once_to_each_endpoint_that_listens(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await page_of(client, "/orders?status=7")
        order = shop.stories["completed"].order_id
        form: dict[str, Any] = {
            "csrf": field(page, "csrf"),
            "do": "redeliver",
            "order": [str(order)],
            "back": "/orders",
        }
        answer = await client.post("/orders/bulk", data=form)
        assert "No active endpoint subscribes" in answer.text
        connection = await asyncpg.connect(shop.dsn)
        listens = "UPDATE endpoints SET events = '{order.completed}' WHERE merchant_id = $1"
        await connection.execute(listens, shop.merchant_id)
        for seq, name in ((90, "order.completed"), (91, "order.other")):
            await connection.execute(
                "INSERT INTO feed (merchant_id, feed_no, subject_id, seq, event_id, event, number)"
                " VALUES ($1, $2::int, $3, $2::int, gen_random_uuid(), $4, $2::int)",
                shop.merchant_id,
                seq,
                order,
                name,
            )
        first = await client.post("/orders/bulk", data=form)
        assert "Sent again: order.completed to 1 endpoint" in first.text
        second = await client.post("/orders/bulk", data=form)
        assert "order.completed is on its way already" in second.text
        asked = "SELECT * FROM replays WHERE merchant_id = $1 AND events = '{order.completed}'"
        (note,) = await connection.fetch(asked, shop.merchant_id)
        assert note["actor"].startswith("user:")
        assert (json.loads(note["request"])["sequence"], note["feed_from"], note["feed_to"]) == (
            90,
            90,
            90,
        )
        waits = (
            "DELETE FROM due_work WHERE kind = 'replay' AND subject_id = $1 RETURNING merchant_id"
        )
        assert await connection.fetchval(waits, note["replay_id"]) == shop.merchant_id
        await connection.close()

    visit(shop, work)


def test_who_may_only_look_changes_nothing_in_bulk(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await page_of(client, "/orders?status=4")
        bar = page[page.index('class="bulk"') :]
        assert 'value="cancel"' not in bar
        assert 'value="redeliver"' not in bar
        form: dict[str, Any] = {
            "csrf": field(page, "csrf"),
            "order": ids(page)[:1],
            "back": "/orders",
            "sure": "yes",
        }
        for doing in ("cancel", "redeliver"):
            assert (await client.post("/orders/bulk", data=form | {"do": doing})).status_code == 403
        assert (
            await client.post("/orders/bulk", data=form | {"do": "cancel", "csrf": "x"})
        ).status_code == 403

    visit(shop, work, email="ann@example.test", address="198.51.100.8")


def test_the_menu_marks_the_desk_that_one_is_at(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        for path, marked in (
            ("/orders", "/orders"),
            ("/orders?attention=1", "/orders?attention=1"),
            ("/orders?status=7&attention=1", "/orders?attention=1"),
            ("/refunds", "/refunds"),
        ):
            menu = (await page_of(client, path)).partition('id="nav"')[2].partition("</nav>")[0]
            assert re.findall(r'href="([^"]*)" aria-current="page"', menu) == [marked], path

    visit(shop, work)


def test_each_entry_of_the_menu_has_a_shape_of_its_own(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await page_of(client, "/orders")
        menu = page.partition('class="links"')[2].partition("</nav>")[0]
        entries = re.findall(r"<li><a [^>]*>(.*?)</a></li>", menu)
        shape_ = re.compile(r'<svg class="i" aria-hidden="true"><use href="#(i-[a-z-]+)"/></svg>')
        shapes = [shape_.match(one) for one in entries]
        assert len(entries) > 25
        assert all(shapes), entries
        names = [shape[1] for shape in shapes if shape]
        assert sorted({name for name in names if names.count(name) > 1}) == []
        assert all(f'<symbol id="{name}"' in page for name in names)

    visit(shop, work, email="op@example.test")


def test_the_menu_says_on_each_page_how_many_need_attention(shop: Shop) -> None:
    async def counted(client: httpx.AsyncClient, path: str) -> str:
        menu = (await page_of(client, path)).partition('id="nav"')[2].partition("</nav>")[0]
        found = re.search(r'Needs attention(?:<span class="count hot">([^<]*)</span>)?</a>', menu)
        assert found
        return found[1] or ""

    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        connection = await asyncpg.connect(shop.dsn)
        mine = "order_heads WHERE merchant_id = $1"
        before = await connection.fetchval(
            f"SELECT count(*) FROM {mine} AND attention IS NOT NULL", shop.merchant_id
        )
        for path in (
            "/orders",
            "/account",
            "/settlements",
            f"/orders/{shop.stories['problem'].order_id}",
        ):
            assert await counted(client, path) == str(before), path
        await connection.execute("CREATE TABLE kept AS SELECT order_id, attention FROM order_heads")
        for most, told in ((99, "99"), (100, "99+"), (0, "")):
            await connection.execute(
                "UPDATE order_heads SET attention = CASE WHEN order_id IN (SELECT order_id FROM "
                "order_heads WHERE"
                " merchant_id = $1 LIMIT $2) THEN 'look' END",
                shop.merchant_id,
                most,
            )
            assert await counted(client, "/orders") == told
        await connection.execute(
            "UPDATE order_heads h SET attention = k.attention FROM kept k"
            " WHERE k.order_id = h.order_id; DROP TABLE kept"
        )
        await connection.close()

    visit(shop, work)


def test_where_nothing_can_be_cancelled_no_button_offers_it(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        page = await page_of(client, "/orders")
        form: dict[str, Any] = {"csrf": field(page, "csrf"), "back": "/orders", "do": "cancel"}
        for stays in (2, 6, 7, 8):
            look = await client.post(
                "/orders/bulk", data=form | {"order": (await of_status(client, stays))[:2]}
            )
            assert "Nothing can be cancelled" in look.text, stays
            assert 'name="do"' not in look.text, stays
        for ends in (0, 1, 3, 4, 5):
            look = await client.post(
                "/orders/bulk", data=form | {"order": (await of_status(client, ends))[:1]}
            )
            assert "Cancel 1 order?" in look.text, ends
            assert "as it is" not in look.text, ends

    visit(shop, work)


def test_the_last_four_typed_with_their_key_are_those_of_the_card_alone(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        connection = await asyncpg.connect(shop.dsn)
        rows = await connection.fetch(
            "SELECT order_id FROM order_heads WHERE merchant_id = $1 AND order_type <> 'STABLE'"
            " ORDER BY placed_at DESC LIMIT 3",
            shop.merchant_id,
        )
        mine, named, other = [row["order_id"] for row in rows]
        for order_id, text in (
            (mine, "ann sub-1 4242"),
            (named, "ann 4242 sub-2 3184"),
            (other, "ann sub-3 14242"),
        ):
            await connection.execute(
                "UPDATE order_search SET text = $2 WHERE order_id = $1", order_id, text
            )
        await connection.close()
        typed = await client.get("/orders?q=last4%3A4242")
        assert typed.headers["location"] == "/orders?last4=4242"
        page = await page_of(client, "/orders?last4=4242")
        assert ids(page) == [str(mine)]
        assert chips(page) == ["Card ends in 4242"]
        assert ids(await page_of(client, "/orders?q=ann&last4=4242&status=0,1,2,3,4,5,6,7")) == [
            str(mine)
        ]
        assert ids(await page_of(client, "/orders?q=sub-2&last4=4242")) == []
        for unclear in ("424", "42424", "4a42", "%25%25%25%25"):
            assert "Not understood" in await page_of(client, f"/orders?last4={unclear}"), unclear
        file = (await client.get("/orders/export.csv?last4=4242")).text
        assert len(file.splitlines()) == 2

    visit(shop, work)


def test_a_short_id_that_one_order_has_opens_it(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        one = ids(await page_of(client, "/orders?up=1"))[0]
        for typed in (
            one[-6:],
            one[-6:].upper(),
            *(f"{one[:4]}{dots}{one[-6:]}" for dots in ("…", "..", "...")),
        ):
            answer = await client.get("/orders", params={"q": typed})
            assert (answer.status_code, answer.headers.get("location")) == (
                303,
                f"/orders/{one}",
            ), typed
        foreign = str(shop.other_order)
        for typed in (foreign[-6:], one[-7:], one[-5:]):
            page = await page_of(client, f"/orders?q={quote(typed)}")
            assert "whose order id ends like this" not in page, typed

    visit(shop, work)


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(shop: Shop) -> None:
    """What is open on a desk that somebody left ends with their two idle hours, whatever its script
    asks."""

    async def work(client: httpx.AsyncClient, shop: Shop) -> None:
        people = await asyncpg.connect(shop.people_dsn)
        news = re.search(r'data-new="([^"]+)"', await page_of(client, "/orders"))
        assert news
        places = (
            html.unescape(news[1]),
            "/exports",
            "/webhooks",
        )  # an endpoint for some, too, who have but a seat

        async def left(before: timedelta) -> datetime:
            seen = datetime.now(UTC) - before
            await people.execute("UPDATE sessions SET seen_at = $1", seen)
            return seen

        for place in places:
            seen = await left(IDLE - timedelta(minutes=1))
            assert (await client.get(place, headers={POLL: "1"})).status_code == 200
            assert await people.fetch("SELECT FROM sessions WHERE seen_at <> $1", seen) == [], place
            assert (await client.get(place)).status_code == 200
            assert len(await people.fetch("SELECT FROM sessions WHERE seen_at <> $1", seen)) == 1, (
                place
            )
            await left(IDLE + timedelta(minutes=1))
            assert (await client.get(place, headers={POLL: "1"})).status_code == 401, place
            assert (await client.get(place)).status_code == 303
            await left(timedelta(0))
        await people.close()

    visit(shop, work)
