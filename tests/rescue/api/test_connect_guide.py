"""docs/connect.md: its samples are read as the page says, and its file becomes orders."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.door import FUNDS, Caller
from tests.uploads.api.test_uploads import send, sent

from recoup.networks.codes import SCHEMES
from recoup.networks.tables import PROCESSOR_CODES
from recoup.rescue.api.declined_shapes import Transaction

PAGE = (Path(__file__).resolve().parents[3] / "docs/connect.md").read_text()
FIELDS, _, REST = PAGE.partition("## The declined transaction")[2].partition("From Stripe:")
SAMPLES: list[dict[str, Any]] = [
    json.loads(text) for text in re.findall(r"```json\n(.*?)```", REST, re.DOTALL)
]


@pytest.mark.parametrize(
    "transaction", SAMPLES, ids=[sample["responseCodeSource"] for sample in SAMPLES]
)
def test_the_decline_of_each_processor_is_read_as_a_want_of_funds(
    shop: Caller, transaction: dict[str, Any]
) -> None:
    method = {"cardNumber": shop.token_for(FUNDS), "token": True, "cardBrand": "MASTERCARD"}
    checked = shop.post(
        "/evaluate/check", shop.body(transaction=transaction, paymentMethod=method)
    ).json()
    assert (checked["valid"], checked["complaints"]) == (True, [])
    assert checked["decline"]["kind"] == "funds"
    assert checked["decline"]["retry"] == "yes"


def test_every_field_and_source_of_the_page_is_one_that_recoup_reads() -> None:
    named = {
        name
        for row in re.findall(r"^\| (`.*?) \|", FIELDS, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert named <= set(Transaction.__struct_encode_fields__)
    required = {
        field.encode_name for field in msgspec.structs.fields(Transaction) if field.required
    }
    assert required - {"responseCodeSource"} <= named
    sources = re.findall(
        r"`(\w+)`",
        FIELDS.partition("`responseCodeSource` says whose")[2].partition(" for the processor's")[0],
    )
    assert set(sources) == {*SCHEMES, *(row.source for row in PROCESSOR_CODES)} - {"text"}


def test_the_file_of_a_cron_job_becomes_orders_once(shop: Caller) -> None:
    (text,) = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    file = text.replace("CARD_TOKEN", shop.token_for(FUNDS)).replace(
        "EXPIRY", shop.body()["expiryDateUtc"]
    )
    query = "?kind=evaluate&filename=declines-2026-03-02.csv"
    upload_id = sent(shop, file, query)["id"]
    shop.door.run(shop.shop.run_due())
    upload = shop.get(f"/uploads/{upload_id}").json()
    assert (upload["rows"], upload["done"], upload["refused"]) == (2, 2, 0)
    assert shop.get("/orders").json()["orders"]["lastItemOnPage"] == 2
    again = send(shop, file, query).json()
    assert (again["id"], again["repeated"]) == (upload_id, True)
