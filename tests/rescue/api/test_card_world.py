"""The card world at the door: advice in each form, a brand with codes of its own, reasons of MITs,
India."""

import json
from typing import Any

import pytest
from tests.door import Caller

from recoup.networks.magic import COUNTING_CARDS
from recoup.processors.rules.agreement import mit_reason_of

MASTERCARD = {
    "holderName": "Ana Roe",
    "cardNumber": COUNTING_CARDS[1],
    "expirationMonth": 9,
    "expirationYear": 2031,
}


def checked(shop: Caller, **changes: Any) -> dict[str, Any]:
    return dict(shop.post("/evaluate/check", shop.body(**changes)).json())


@pytest.mark.parametrize("came", ["3", "03", "003", "MAC 03", "7903", "03 : Do not try again"])
def test_an_advice_is_read_in_each_form(shop: Caller, came: str) -> None:
    said = {"transaction__responseCode": "79", "transaction__responseCodeSource": "mastercard"}
    found = checked(shop, paymentMethod=MASTERCARD, transaction__adviceCode=came, **said)
    assert found["valid"], found
    assert found["decline"]["kind"] == "hard"


@pytest.mark.parametrize("came", ["R1", "category 1", "12345"])
def test_an_advice_of_another_network_is_refused(shop: Caller, came: str) -> None:
    with shop.door.nothing_written():
        answer = shop.evaluate(transaction__adviceCode=came)
    assert answer.status_code == 400
    assert "AdviceCode" in answer.text
    assert "two digits" in answer.text


@pytest.mark.parametrize(
    ("code", "kind"), [("81", "sca"), ("82", "hard"), ("83", "hard"), ("38", "data")]
)
def test_the_brand_that_answered_reads_its_own_codes(shop: Caller, code: str, kind: str) -> None:
    said = {"transaction__responseCode": code, "transaction__responseCodeSource": "acquirer"}
    assert checked(shop, paymentMethod__cardBrand="CB", **said)["decline"]["kind"] == kind


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"subscription": {"subscriptionId": "sub-1"}, "isRecurring": None}, "recurring"),
        ({"subscription": {"subscriptionId": "sub-1"}, "isRecurring": False}, "unscheduled"),
        ({"subscription": None, "isRecurring": None}, "unscheduled"),
        (
            {"subscription": None, "isRecurring": None, "transaction__mitReason": "no_show"},
            "no_show",
        ),
        ({"isRecurring": True, "transaction__mitReason": "installment"}, "installment"),
    ],
)
def test_why_a_payment_is_made_without_its_customer(
    shop: Caller, changes: dict[str, Any], reason: str
) -> None:
    order_id = shop.admit(**changes)
    facts = shop.door.sql(
        "SELECT facts::text FROM orders WHERE order_id = $1::text::uuid", order_id
    )[0][0]
    assert mit_reason_of(json.loads(facts)) == reason


def test_a_reason_that_is_none_is_refused(shop: Caller) -> None:
    assert shop.evaluate(transaction__mitReason="because").status_code == 400
    answer = shop.evaluate(transaction__mitReason="no_show", isMIT=False)
    assert answer.status_code == 400
    assert "MitReason" in answer.text


def test_an_indian_mandate_is_refused_as_it_comes_in(shop: Caller) -> None:
    indian = {"transaction__currency": "INR", "paymentMethod__cardCountry": "IN"}
    with shop.door.nothing_written():
        answer = shop.evaluate(**indian)
    assert answer.status_code == 400
    assert "24 hours before" in answer.text
    assert "CardCountry" in answer.text
    answer = shop.evaluate(**indian | {"paymentMethod__cardCountry": None})
    assert answer.status_code == 400
    assert "country of the card's issuer" in answer.text.replace("\\u0027", "'")
    for changes in ({"paymentMethod__cardCountry": "US"}, {"isMIT": False}):
        assert shop.evaluate(**indian | changes).status_code == 200
