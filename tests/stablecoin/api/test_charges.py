"""POST /charges: what is taken, what is refused and why, what a repeat is."""

import asyncio
import json
from typing import Any

import pytest
from tests.rings import each
from tests.stablecoin.api.test_signatures import refused
from tests.stablecoin.door import Door, Merchant, another
from tests.stablecoin.signer import written

from recoup.kit.edge.rate import Buckets


def test_everything_that_was_sent_comes_back(merchant: Merchant) -> None:
    told = {
        "subject": "Pro plan",
        "description": "One year",
        "metadata": {"plan": "pro", "ö": "✓"},
        "customer": "cust-7",
        "return_url": "https://shop.example/thanks",
        "cancel_url": "https://shop.example/cart",
    }
    answer = merchant.post("/charges", merchant.body(expires_in_seconds=60, **told))
    assert answer.status_code == 201
    order = answer.json()["order"]
    assert {name: order[name] for name in ("subject", "description", "metadata", "customer")} == {
        name: told[name] for name in ("subject", "description", "metadata", "customer")
    }
    assert order["is_test"] is True
    assert order["paid_at"] is None
    assert merchant.order(order["id"])["order"] == order


@pytest.mark.parametrize("unseen", ["\x1b[2J", "\x9b", "a\nb", "\u202eevil"])
def test_what_a_terminal_obeys_is_no_customer_and_no_account(
    merchant: Merchant, unseen: str
) -> None:
    error = refused(
        merchant.post("/charges", merchant.body(customer=unseen)), 400, "invalid_request"
    )
    assert "The field customer contains control characters." in error["message"]
    plan = {
        "title": "Pro",
        "amount": "20.00",
        "currency": "USDT",
        "interval_unit": "month",
        "customer": unseen,
    }
    refused(merchant.post("/subscriptions", plan), 400, "invalid_request")
    if "\n" not in unseen:
        bank = {
            "amount": "1.00",
            "currency": "USDT",
            "destination_type": "bank",
            "destination": f"DE02 {unseen}",
        }
        refused(merchant.post("/payouts", bank), 400, "invalid_request")


def test_an_idempotency_key_has_no_control_characters(merchant: Merchant) -> None:
    answer = merchant.post("/charges", merchant.body(), headers={"Idempotency-Key": b"a\x9bb"})
    error = refused(answer, 400, "invalid_request")
    assert "The field Idempotency-Key contains control characters." in error["message"]


def test_customers_stand_in_the_tables_that_can_be_erased(merchant: Merchant) -> None:
    merchant.charge(customer="ana.roe@example.test")
    mid = merchant.shop.merchant_id
    for table in ("orders", "order_log", "outbox", "requests", "order_heads", "attempts"):
        assert not merchant.door.sql(
            f"SELECT FROM {table} x WHERE merchant_id = $1 AND x::text LIKE '%ana.roe%'", mid
        )
    assert merchant.door.sql(
        "SELECT FROM payers WHERE merchant_id = $1 AND external_id = 'ana.roe@example.test'", mid
    )


@each(
    "amount",
    [
        49.9,
        50,
        True,
        [],
        {},
        "1e2",
        "-1",
        "0",
        "0.00",
        "1.0000001",
        "9" * 30,
        "1,5",
        "",
        " 1",
        "NaN",
        "0x1",
    ],
)
def test_amounts(merchant: Merchant, amount: Any) -> None:
    error = refused(merchant.post("/charges", merchant.body(amount=amount)), 400, "invalid_amount")
    assert error["param"] == "amount"


def test_a_field_that_nobody_reads_is_named(merchant: Merchant) -> None:
    answer = merchant.post("/charges", merchant.body() | {"expires_in": 60, "Amount": "1"})
    assert answer.status_code == 201
    assert answer.json()["warnings"] == [
        "There is no field 'expires_in', so it was not read. Did you mean expires_in_seconds?",
        "There is no field 'Amount', so it was not read. Did you mean amount?",
    ]
    assert "warnings" not in merchant.post("/charges", merchant.body()).json()


def test_a_refusal_names_the_field_that_was_meant(merchant: Merchant) -> None:
    body = merchant.body(amount=None) | {"ammount": "1", "nonsense": 1}
    error = refused(merchant.post("/charges", body), 400, "invalid_amount")
    assert error["message"].endswith(
        "There is no field 'ammount', so it was not read. Did you mean amount?"
    )


def test_a_missing_amount(merchant: Merchant) -> None:
    assert (
        refused(merchant.post("/charges", merchant.body(amount=None)), 400, "invalid_amount")[
            "param"
        ]
        == "amount"
    )


@each(
    ("changes", "param"),
    [
        ({"merchant_order_id": None}, "merchant_order_id"),
        ({"merchant_order_id": ""}, "merchant_order_id"),
        ({"merchant_order_id": "x" * 129}, "merchant_order_id"),
        ({"merchant_order_id": 7}, "merchant_order_id"),
        *(
            ({"merchant_order_id": f"SO{one}1"}, "merchant_order_id")
            for one in "\a\x1b\x9b\u202e\n"
        ),
        ({"currency": None}, "currency"),
        ({"currency": "usdt"}, "currency"),
        ({"currency": "DOGE"}, "currency"),
        ({"currency": 840}, "currency"),
        ({"network": "tron"}, "network"),
        ({"subject": "x" * 257}, "subject"),
        ({"subject": 1}, "subject"),
        ({"description": "x" * 2049}, "description"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": [1]}, "metadata"),
        ({"metadata": {"x" * 65: "1"}}, "metadata"),
        ({"metadata": {str(n): "1" for n in range(51)}}, "metadata"),
        ({"return_url": "javascript:alert(1)"}, "return_url"),
        ({"cancel_url": "ftp://shop.example"}, "cancel_url"),
        ({"return_url": "https://" + "a" * 2050}, "return_url"),
        ({"expires_in_seconds": 59}, "expires_in_seconds"),
        ({"expires_in_seconds": 86401}, "expires_in_seconds"),
        ({"expires_in_seconds": "1800"}, "expires_in_seconds"),
        ({"expires_in_seconds": 60.5}, "expires_in_seconds"),
        ({"expires_in_seconds": -1}, "expires_in_seconds"),
        ({"customer": "x" * 257}, "customer"),
    ],
)
def test_fields_that_are_not_allowed(
    merchant: Merchant, changes: dict[str, Any], param: str
) -> None:
    body = merchant.body() | changes
    error = refused(
        merchant.post("/charges", {k: v for k, v in body.items() if v is not None}),
        400,
        "invalid_request",
    )
    assert error["param"] == param
    assert not merchant.get("/orders").json()["total"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"channel": "nothing"}, "channel_not_found"),
        ({"channel": "usdt_trc20"}, "channel_environment_mismatch"),
        ({"channel": None, "network": "tron"}, "no_route"),
        ({"channel": None, "network": "nowhere"}, "no_route"),
    ],
)
def test_channels_that_are_not_there(
    merchant: Merchant, changes: dict[str, Any], code: str
) -> None:
    refused(merchant.post("/charges", merchant.body(**changes)), 400, code)


@each(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"a":NaN}',
        b'{"merchant_order_id":"\\ud800"}',
        b'{"merchant_order_id":"a\\u0000b"}',
        b"{" * 40,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b'{"amount":' + b"9" * 400 + b"}",
    ],
)
def test_bodies_that_are_no_json_objects(merchant: Merchant, body: bytes) -> None:
    answer = merchant.post("/charges", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == ("invalid_request" if not body else "invalid_body")


def test_a_body_of_another_kind(merchant: Merchant) -> None:
    refused(
        merchant.post("/charges", merchant.body(), headers={"content-type": "text/xml"}),
        400,
        "invalid_body",
    )


@pytest.mark.parametrize(
    "strange", ["a/b c?&=%", "ünïcødé ✓", "'; DROP TABLE orders; --", "x" * 128, "0"]
)
def test_ids_of_any_writing(merchant: Merchant, strange: str) -> None:
    order = merchant.charge(merchant_order_id=strange)["order"]
    assert order["merchant_order_id"] == strange
    from urllib.parse import quote

    found = merchant.get("/orders", f"merchant_order_id={quote(strange, safe='')}").json()
    assert [one["id"] for one in found["data"]] == [order["id"]]


def test_amounts_keep_their_scale(merchant: Merchant) -> None:
    for text, currency in (
        ("49.90", "USDT"),
        ("50", "USDC"),
        ("0.000001", "USDT"),
        ("7.5", "USD"),
        ("500", "JPY"),
    ):
        charged = merchant.charge(amount=text, currency=currency)
        assert charged["order"]["amount"] == charged["payment"]["amount"] == text


# repeats
# --------------------------------------------------------------------------------------------------


def test_the_same_charge_again_is_the_same_order(merchant: Merchant) -> None:
    body = merchant.body(amount="49.90")
    first = merchant.post("/charges", body)
    again = merchant.post("/charges", body | {"amount": "49.9", "subject": "Another text"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["idempotent"] is True
    assert again.json()["order"] == first.json()["order"]
    assert merchant.get("/orders").json()["total"] == 1


@pytest.mark.parametrize(
    "change",
    [{"amount": "49.91"}, {"currency": "USDC"}, {"channel": "mock_direct"}, {"channel": None}],
)
def test_the_same_id_with_other_content_is_a_conflict(
    merchant: Merchant, change: dict[str, Any]
) -> None:
    body = merchant.body()
    merchant.post("/charges", body)
    changed = {name: value for name, value in (body | change).items() if value is not None}
    error = refused(merchant.post("/charges", changed), 409, "idempotency_conflict")
    assert error["param"] == "merchant_order_id"


def test_a_repeat_reads_the_order_as_it_stands(merchant: Merchant) -> None:
    body = merchant.body()
    merchant.press(merchant.post("/charges", body).json())
    again = merchant.post("/charges", body).json()
    assert again["order"]["status"] == "paid"
    assert again["instruction"] == {"type": "none"}


def test_the_same_id_of_another_merchant_is_another_order(
    merchant: Merchant, other: Merchant
) -> None:
    body = merchant.body()
    first, second = merchant.post("/charges", body), other.post("/charges", body)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["order"]["id"] != second.json()["order"]["id"]


def test_many_at_once_are_one_order_each(merchant: Merchant) -> None:
    bodies = [written(merchant.body(merchant_order_id=f"many-{n % 8}")) for n in range(40)]
    headers = [merchant.signer.headers("POST", "/api/v1/charges", "", body) for body in bodies]

    async def together() -> list[int]:
        client = merchant.door.client
        calls = (
            client.post("/api/v1/charges", content=b, headers=h)
            for b, h in zip(bodies, headers, strict=True)
        )
        return sorted(answer.status_code for answer in await asyncio.gather(*calls))

    assert merchant.door.run(together()) == [200] * 32 + [201] * 8
    assert merchant.get("/orders").json()["total"] == 8
    merchant.door.verified(merchant)


# who may
# --------------------------------------------------------------------------------------------------


def test_a_merchant_that_is_stopped_takes_nothing_and_reads_everything(merchant: Merchant) -> None:
    body = merchant.body()
    order = merchant.post("/charges", body).json()["order"]
    merchant.set(killed=True)
    refused(merchant.post("/charges", merchant.body()), 403, "merchant_suspended")
    assert merchant.post("/charges", body).json()["idempotent"] is True
    assert merchant.order(order["id"])["order"]["id"] == order["id"]
    assert merchant.get("/me").json()["merchant"]["status"] == "suspended"


def test_too_many_calls(merchant: Merchant) -> None:
    slow = another(merchant.door, buckets=Buckets(per_second=0.01, burst=2))
    answers = []
    for n in range(3):
        query = f"limit={n + 1}"
        headers = merchant.signer.headers("GET", "/api/v1/orders", query)
        answers.append(slow.call("GET", f"/api/v1/orders?{query}", headers=headers))
    assert [a.status_code for a in answers] == [200, 200, 429]
    refused(answers[-1], 429, "rate_limited")
    assert int(answers[-1].headers["retry-after"]) > 0


def test_a_moved_clock_is_named(door: Door) -> None:
    merchant = door.merchant()
    assert "x-recoup-business-time" not in merchant.get("/orders").headers
    merchant.advance(days=3)
    assert "x-recoup-business-time" in merchant.get("/orders").headers


def test_no_secret_is_echoed(merchant: Merchant) -> None:
    answer = merchant.post("/charges", merchant.body(amount="not-a-number"))
    assert merchant.signer.secret not in json.dumps(answer.json())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"amount": 49.9}, "The field amount must be text in quotes, not a number. Write it like"),
        (
            {"amount": 49},
            "The field amount must be text in quotes, not a whole number. Write it like",
        ),
        (
            {"subject": []},
            (
                "The field subject must be text in quotes, "
                "not a list in brackets. Send text in quotes."
            ),
        ),
        (
            {"metadata": {"a": 1}},
            "An entry of the field metadata must be text in quotes, not a whole number.",
        ),
        (
            {"expires_in_seconds": "60"},
            "The field expires_in_seconds must be a whole number, not text in quotes.",
        ),
    ],
)
def test_a_field_of_another_kind_is_refused_in_plain_words(
    merchant: Merchant, changes: dict[str, Any], told: str
) -> None:
    answer = merchant.post("/charges", merchant.body(**changes))
    assert answer.status_code == 400
    assert told in answer.text.replace('\\"', '"')
    assert "Expected" not in answer.text
