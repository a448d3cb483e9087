"""What a file of orders says to an accountant, beside what the list shows."""

import csv
import io
import json
from datetime import timedelta

import pytest
from tests.settling import batches, sold, terms
from tests.staff import As, portal, post, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.desk.store.columns import COLUMNS, OrderColumn

ADDED = [
    "Reason",
    "Decline code",
    "Card brand",
    "Last four",
    "Approved (GMT)",
    "Service fee",
    "Net",
    "Settlement",
]


def test_a_file_has_what_an_accountant_needs_and_the_ledger_says(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await terms(shop, period="day", delay_days=0)
        await sold(shop)
        await shop.advance(timedelta(days=1))
        open_ = await shop.admit()
        client = await signed_in("owner")
        text = (await client.get("/orders/export.csv")).text.lstrip("\ufeff")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [name for name in rows[0] if name in ADDED] == ADDED
        paid = next(row for row in rows if row["Status"] == "Completed")
        waits = next(row for row in rows if row["Order Id"] == str(open_))
        (batch,) = await batches(shop)
        assert (paid["Amount"], paid["Service fee"], paid["Net"]) == ("45.90", "1.33", "44.57")
        assert paid["Settlement"] == str(batch["batch_id"])
        assert paid["Approved (GMT)"] >= paid["Placed (GMT)"]
        assert (
            waits["Reason"],
            waits["Approved (GMT)"],
            waits["Service fee"],
            waits["Settlement"],
        ) == ("", "", "", "")
        assert (paid["Card brand"], len(paid["Last four"]), paid["Decline code"]) == (
            "Mastercard",
            4,
            "05",
        )
        only = (
            (await client.get("/orders/export.csv?cols=order_id,reason"))
            .text.lstrip("\ufeff")
            .splitlines()[0]
        )
        assert only == "Order Id,Reason"
        listed = texts(
            await client.get("/orders?cols=order_id,fee,net,approved,settlement,card,reason,code")
        )
        assert "44.57" in listed

    portal(server, story, fee_basis_points=290)


def test_one_declaration_puts_a_column_on_the_page_and_into_files(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = OrderColumn("issuer", "Issuer BIN", "text", sql={"issuer": "coalesce(v.bin, '')"})

    async def story(shop: Shop, signed_in: As) -> None:
        order_id = await shop.admit()
        client = await signed_in("owner")
        assert (await client.get("/orders?cols=issuer")).text.count("Issuer BIN") == 0
        monkeypatch.setitem(COLUMNS, issuer.name, issuer)
        page = (await client.get("/orders?cols=order_id,issuer")).text
        bin_ = json.loads((await client.get("/orders/export.json?cols=issuer")).text)[0]["issuer"]
        assert len(bin_) == 6
        assert (
            f'<td class="m" data-l="Issuer BIN"><bdi class="cut" title="{bin_}">{bin_}</bdi></td>'
            in page
        )
        assert (
            '<input type="checkbox" name="cols" value="issuer" checked><span>Issuer BIN</span>'
            in page
        )
        text = (await client.get("/orders/export.csv?cols=order_id,issuer")).text.lstrip("\ufeff")
        assert list(csv.DictReader(io.StringIO(text))) == [
            {"Order Id": str(order_id), "Issuer BIN": bin_}
        ]
        saved = await post(
            client, "/orders", "/orders/views", back="/orders?cols=issuer", name="By issuer"
        )
        assert bin_ in (await client.get(saved.headers["location"])).text

    portal(server, story)
