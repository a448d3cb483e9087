"""Statements in the portal: uploaded by form, compared, looked at by outcome, booked by the
operator with a note."""

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest
from tests.bank_files import mt940
from tests.people.page.test_portal import field, sign_in, visit
from tests.rings import each
from tests.shop import Shop, drop_shop, make_shop, plain

from recoup.db.server import ServerAddress

FILES = "/reconciliation/files"
HEADER = "id,reference,type,amount,currency,date\n"
FEE = ",,fee,12.50,USD,2026-11-05\n"
STATEMENT = mt940(":61:2611201120C100,00NTRFPO-1//B1", ":61:2611201120RC40,00NTRFPO-2//B2").decode()
UNKNOWN = ",=cmd|' /C calc'!A0,charge,7.00,USD,2026-11-05\n"


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=40))
    yield made
    asyncio.run(drop_shop(server, made))


async def upload(client: httpx.AsyncClient, text: str, **more: str) -> httpx.Response:
    page = (await client.get(FILES)).text
    data = {"csrf": field(page, "csrf"), "kind": "processor"} | more
    return await client.post(
        FILES, data=data, files={"file": ("<b>november</b>.csv", text.encode(), "text/csv")}
    )


def test_a_file_is_uploaded_compared_and_known_again(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        assert "No statements yet" in (await client.get(FILES)).text
        made = await upload(
            client, HEADER + FEE + UNKNOWN + "broken\n", mapping='[values]\nroute = "acme"'
        )
        assert made.status_code == 303
        page = await client.get(made.headers["location"])
        assert page.status_code == 200
        assert "&lt;b&gt;november&lt;/b&gt;.csv" in page.text
        assert "Missing here" in page.text
        assert "Line 4 could not be read" in page.text
        assert "2 suggestions wait for the operator" in page.text
        assert 'name="row"' not in page.text
        again = await upload(
            client, HEADER + FEE + UNKNOWN + "broken\n", mapping='[values]\nroute = "acme"'
        )
        assert again.headers["location"].startswith(made.headers["location"] + "?done=known.")
        assert "Nothing was changed" in (await client.get(again.headers["location"])).text
        one = await client.get(made.headers["location"] + "?outcome=refused")
        assert "could not be read" in one.text
        assert "12.50" not in one.text
        csrf = field(page.text, "csrf")
        refused = await client.post(
            made.headers["location"] + "/book", data={"csrf": csrf, "which": "all", "note": "mine"}
        )
        assert refused.status_code == 403

    visit(shop, work)


def test_the_days_of_a_file_are_typed_without_dashes(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        text = HEADER + FEE.replace("12.50", "3.25")
        made = await upload(client, text, **{"from": "20261101", "to": "20261130"})
        again = await upload(client, text, **{"from": "2026-11-01", "to": "2026-11-30"})
        assert again.headers["location"].startswith(made.headers["location"] + "?done=known.")

    visit(shop, work)


def test_a_banks_statement_is_read_in_its_own_format(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        made = await upload(client, STATEMENT, kind="bank")
        assert made.status_code == 303, made.text
        page = (await client.get(made.headers["location"])).text
        assert "2 entries, sum 60.00 EUR" in page
        assert "book as paid to the bank" in page
        assert "book as taken back by the bank" in page

    visit(shop, work)


def test_the_unit_the_status_and_the_sign_of_a_file_are_read(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        head = "reference,type,amount,currency,date,status\n"
        rows = (
            "a,charge,4590,USD,2026-11-03,Completed",
            "b,fee,-500,USD,2026-11-03,Completed",
            "c,fee,500,USD,2026-11-04,Completed",
            "d,charge,700,USD,2026-11-04,Pending",
        )
        made = await upload(client, head + "\n".join(rows) + "\n", units="minor")
        page = (await client.get(made.headers["location"])).text
        for words in (
            "45.90",
            "book as processor cost given back",
            "No money has moved: 1",
            "read in the smallest unit",
        ):
            assert words in page, words
        assert "Line 5 is left out" in page

    visit(shop, work)


def test_lines_in_other_currencies_are_told_once_and_taken_on_request(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        text = HEADER + FEE.replace("12.50", "4.10") + FEE.replace("USD", "EUR") * 3 + "broken\n"
        where = (await upload(client, text, mapping='[values]\nroute = "acme"')).headers["location"]
        page = (await client.get(where)).text
        assert "4 of 5 lines could not be read" in page
        assert page.count("name every currency to take all") == 1
        assert "Different currency from the file: 3" in page
        assert 'Differences <span class="count hot">1<' in page
        assert (await client.get(f"{where}?outcome=refused")).text.count(
            "holds EUR, the file is in USD"
        ) == 3
        assert "4 not readable" in (await client.get(FILES)).text
        anew = await upload(client, text, like=where.rsplit("/", 1)[1])
        assert not anew.headers["location"].startswith(where)
        page = (await client.get(anew.headers["location"])).text
        assert "1 of 5 lines could not be read" in page
        assert "Compare with all currencies" not in page
        ticked = await upload(client, text, mapping='[values]\nroute = "acme"', every="yes")
        assert ticked.headers["location"].startswith(anew.headers["location"] + "?done=known.")
        for like in ("nothing", str(_.merchant_id)):
            assert (await upload(client, text, like=like)).status_code == 404

    visit(shop, work)


def test_the_operator_books_with_a_note_and_once(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, made: Shop) -> None:
        await sign_in(client, "op@example.test")
        orders = (await client.get("/orders")).text
        await client.post(
            "/merchant", data={"csrf": field(orders, "csrf"), "merchant": str(made.merchant_id)}
        )
        where = (await upload(client, HEADER + FEE.replace("12.50", "99.00"))).headers["location"]
        page = (await client.get(where)).text
        assert re.search(r'type="checkbox" name="row" value="2"', page)
        csrf = field(page, "csrf")
        for data, words in (
            ({"row": "2", "note": " "}, "needs a note"),
            ({"note": "why"}, "No line was chosen"),
            ({"row": "77", "note": "why"}, "has no line 77"),
        ):
            refused = await client.post(
                where + "/book", data={"csrf": csrf, "which": "rows"} | data
            )
            assert refused.status_code in (400, 404)
            assert words in refused.text
        booked = await client.post(
            where + "/book", data={"csrf": csrf, "row": "2", "note": "November <i>"}
        )
        assert "1 booked." in (await client.get(booked.headers["location"])).text
        assert "November &lt;i&gt;" in (await client.get(where)).text
        twice = await client.post(where + "/book", data={"csrf": csrf, "row": "2", "note": "again"})
        assert twice.status_code == 409
        foreign = await client.post(
            where + "/book", data={"csrf": "x", "row": "2", "note": "again"}
        )
        assert foreign.status_code == 403

    visit(shop, work, email=None)


@each(
    ("text", "more", "words"),
    [
        ("", {}, "empty"),
        ("a,b\n1,2\n", {}, "no type"),
        (HEADER + FEE, {"kind": "shop"}, "A file is one of"),
        (HEADER + FEE, {"from": "2026-11-01"}, "both days"),
        (HEADER + FEE, {"from": "01112026", "to": "30112026"}, "is not a date"),
        (HEADER + FEE, {"mapping": "x ="}, "not valid TOML"),
        (HEADER + FEE, {"from": "2026-11-30", "to": "2026-11-01"}, "ends before"),
        ("PK\x03\x04", {}, "ZIP"),
        (STATEMENT, {}, "given as the kind processor"),
        (STATEMENT.replace("60,00", "61,00"), {"kind": "bank"}, "the entries come to 60.00"),
        (STATEMENT.partition(":62F")[0], {"kind": "bank"}, "the file is cut off"),
        ("OFXHEADER:100", {"kind": "bank"}, "of the format OFX"),
    ],
)
def test_a_file_that_cannot_be_is_refused(
    shop: Shop, text: str, more: dict[str, str], words: str
) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        answer = await upload(client, text, **more)
        assert answer.status_code == 400
        assert words in answer.text

    visit(shop, work)


def test_uploads_that_are_no_form_of_this_page(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, made: Shop) -> None:
        assert (await upload(client, HEADER + FEE, csrf="stolen")).status_code == 403
        assert (await client.post(FILES, data={"csrf": "x"})).status_code == 400
        headers = {"content-type": "multipart/form-data; boundary=x"}
        torn = await client.post(FILES, content=b"--x\r\nnonsense", headers=headers)
        assert torn.status_code in (400, 403)
        csrf = field((await client.get(FILES)).text, "csrf")
        assert (
            await client.post(FILES, data={"csrf": csrf, "kind": "bank"}, files={"other": b"x"})
        ).status_code == 400
        for path in (f"{FILES}/none", f"{FILES}/{made.merchant_id}"):
            assert (await client.get(path)).status_code == 404

    visit(shop, work)


def test_an_analyst_may_look_only(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        page = (await client.get(FILES)).text
        assert "Your role may view this page" in page
        csrf = re.search(r'name="csrf" value="([^"]*)"', page)
        assert csrf
        answer = await client.post(FILES, data={"csrf": csrf[1]}, files={"file": ("x.csv", b"x")})
        assert answer.status_code == 403

    visit(shop, work, email="ann@example.test")


def test_the_report_of_a_month_in_any_zone(shop: Shop) -> None:
    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        page = await client.get("/reconciliation")
        assert page.status_code == 200
        assert 'href="/reconciliation" aria-current="page"' in page.text
        other = await client.get("/reconciliation?month=2020-01&zone=Asia/Kolkata")
        assert "No movements in 2020-01" in other.text
        for query in (
            "month=2026-13",
            "zone=Mars",
            "after=x~y~z",
            "month=%00",
            f"zone={'x' * 300}",
        ):
            assert (await client.get(f"/reconciliation?{query}")).status_code == 200
        assert (await client.get("/reconciliation/report.csv?month=1999-01")).status_code == 400
        file = await client.get("/reconciliation/report.csv?month=2020-01&zone=Asia/Kolkata")
        assert file.headers["content-type"] == "text/csv; charset=utf-8"
        assert plain(file).startswith("date_placed (Asia/Kolkata),date_booked (Asia/Kolkata)")

    visit(shop, work)


def test_the_report_shows_what_the_ledger_says(shop: Shop) -> None:
    """The shop's orders have postings of this month or the last; the page's sums are the file's."""

    async def work(client: httpx.AsyncClient, _: Shop) -> None:
        months = re.findall(
            r"<option(?: selected)?>(20[0-9-]+)</option>",
            (await client.get("/reconciliation")).text,
        )
        for month in months:
            page = (await client.get(f"/reconciliation?month={month}")).text
            rows = list(
                csv.DictReader(
                    io.StringIO(
                        plain(await client.get(f"/reconciliation/report.csv?month={month}"))
                    )
                )
            )
            for currency in {row["currency"] for row in rows}:
                net = sum(Decimal(row["net"]) for row in rows if row["currency"] == currency)
                shown = f"{abs(net):,}"
                assert f'{shown}</b><span class="cur">{currency}' in page, (currency, shown)

    visit(shop, work)
