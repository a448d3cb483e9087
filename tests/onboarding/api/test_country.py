"""The country of a merchant's account at the acquirer, by the API; and what its region's rules then
do to orders."""

import json
from typing import Any
from uuid import UUID

import pytest
from tests.door import GONE, Caller
from tests.rescue_shapes import fields_of
from tests.rings import each

from recoup.networks.magic import script_card

SENT = (
    "SELECT count(*) FROM attempts WHERE order_id = $1 AND sent_at IS NOT NULL AND state <> "
    "'not_sent'"
)
CIT = {
    "isMIT": False,
    "isRecurring": GONE,
    "expiryDateUtc": GONE,
    "subscription": GONE,
    "customerIp": "203.0.113.24",
}
VISA = script_card("visa", "51", 99)
MASTERCARD = script_card("mastercard", "51", 99)


def told(number: str, code: str) -> dict[str, Any]:
    return {
        "paymentMethod": {
            "holderName": "Ana Roe",
            "cardNumber": number,
            "expirationMonth": 9,
            "expirationYear": 2031,
        },
        "transaction__currency": "EUR",
        "transaction__responseCode": code,
        "transaction__responseCodeSource": "visa" if number == VISA else "mastercard",
        "transaction__responseDescription": "",
    }


def in_country(shop: Caller, country: str) -> dict[str, Any]:
    answer = shop.call("PUT", "/country", json={"country": country})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_it_is_set_and_read_and_stands_in_the_log(shop: Caller) -> None:
    assert shop.get("/country").json() == {
        "country": "US",
        "region": "us",
        "routes": [{"name": "sandbox", "country": None, "region": "us"}],
        "success": True,
    }
    assert in_country(shop, "de")["region"] == "eea"
    assert shop.get("/country").json()["routes"][0]["region"] == "eea"
    assert in_country(shop, "DE")["country"] == "DE"
    rows = shop.door.sql(
        "SELECT actor, facts FROM audit_lines "
        "WHERE merchant_id = $1 AND action = 'country.changed'",
        shop.shop.merchant_id,
    )
    [(actor, facts)] = [tuple(row) for row in rows]
    assert actor == f"api:{shop.shop.keys.app_key}"
    assert json.loads(facts) == {"country": ["US", "DE"]}


@each("country", ["XX", "EU", "Germany", "", "eea_uk", "D\u0415"])
def test_what_is_no_country_is_refused_with_its_field(shop: Caller, country: str) -> None:
    with shop.door.nothing_written():
        answer = shop.call("PUT", "/country", json={"country": country})
    assert list(fields_of(answer)) == ["Country"]


@each(
    ("number", "code", "country", "sent"),
    [
        (MASTERCARD, "65", "DE", False),
        (MASTERCARD, "65", "GB", False),
        (MASTERCARD, "65", "US", True),
        (MASTERCARD, "65", "BR", True),
        (VISA, "1A", "DE", False),
        (VISA, "1A", "FR", False),
    ],
)
def test_without_the_customer_nothing_is_sent_again(
    shop: Caller,
    number: str,
    code: str,
    country: str,
    sent: bool,  # noqa: FBT001
) -> None:
    in_country(shop, country)
    order_id = shop.admit(**told(number, code), orderId=f"MIT-{country}-{code}")
    shop.advance(days=20)
    assert (int(shop.door.sql(SENT, UUID(order_id))[0][0]) > 0) is sent


@each(
    ("number", "code", "country", "status"),
    [
        (MASTERCARD, "65", "DE", "CHALLENGE"),
        (VISA, "1A", "DE", "CHALLENGE"),
        (MASTERCARD, "65", "US", "DECLINED"),
    ],
)
def test_a_waiting_customer_is_challenged(
    shop: Caller, number: str, code: str, country: str, status: str
) -> None:
    in_country(shop, country)
    answer = shop.evaluate(**told(number, code), **CIT, orderId=f"CIT-{country}-{code}")
    assert answer.json()["status"] == status, answer.text


@pytest.mark.parametrize(("country", "region"), [("DE", "eea"), ("BR", "brazil"), ("CA", "canada")])
def test_a_send_is_counted_by_the_rules_of_its_region(
    shop: Caller, country: str, region: str
) -> None:
    in_country(shop, country)
    shop.admit(**told(MASTERCARD, "51"))
    shop.advance(days=20)
    kept = shop.door.sql(
        "SELECT DISTINCT region FROM network_sends WHERE NOT claimed AND merchant_id = $1",
        shop.shop.merchant_id,
    )
    assert [row[0] for row in kept] == [region]
