"""The hosted page of a challenge, as the customer's browser meets it: plain forms, no script."""

import re
import uuid
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.door import Caller, Door, everything
from tests.rescue.api.test_customer import customer
from tests.rings import each

from recoup.networks.allow_list import APPROVE_CARDS, PHONE_CARD
from recoup.networks.magic import CHALLENGE_PHONES, script_card

ANOTHER = {
    "number": " ".join(APPROVE_CARDS[1][i : i + 4] for i in (0, 4, 8, 12)),
    "expires": "08 / 33",
    "code": "917",
}


def challenged(shop: Caller, **changes: Any) -> tuple[str, str]:
    """(order id, the page's path)"""
    told = customer(
        shop, paymentMethod__cardNumber=PHONE_CARD, payer__phone=CHALLENGE_PHONES[0], **changes
    )
    assert told["status"] == "CHALLENGE"
    assert told["challengeUrl"] == shop.order(told["orderId"])["challengeUrl"]
    return told["orderId"], urlsplit(told["challengeUrl"]).path


def post(door: Door, path: str, **form: str) -> httpx.Response:
    return door.call("POST", path, data=form)


def test_a_customer_confirms(door: Door, shop: Caller) -> None:
    order_id, path = challenged(shop)
    page = door.call("GET", path)
    assert page.status_code == 200
    assert "Your bank asks you to confirm" in page.text
    assert "45.90" in page.text
    assert "script" not in page.text.lower()
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    done = post(door, f"{path}/answer", confirmed="1")
    assert (done.status_code, done.headers["location"]) == (303, path)
    assert "Done. Thank you." in door.call("GET", path).text
    order = shop.order(order_id)
    assert (order["statusName"], order["challengeUrl"]) == ("COMPLETED", None)
    assert (
        post(door, f"{path}/answer", confirmed="1").status_code == 303
    )  # pressed twice: nothing happens twice
    assert len(shop.order(order_id)["attempts"]) == 2


def test_a_customer_uses_another_card(door: Door, shop: Caller) -> None:
    order_id, path = challenged(shop)
    assert post(door, f"{path}/answer", **ANOTHER).status_code == 303
    assert shop.order(order_id)["statusName"] == "COMPLETED"
    kept = door.run(everything(door.world))
    assert APPROVE_CARDS[1] not in kept
    assert (
        '"917"'
        not in door.sql("SELECT string_agg(body::text, '') AS told FROM order_log")[0]["told"]
    )


def test_a_customer_says_no(door: Door, shop: Caller) -> None:
    order_id, path = challenged(shop)
    assert post(door, f"{path}/refuse").status_code == 303
    assert "This payment has ended" in door.call("GET", path).text
    assert (shop.order(order_id)["statusName"], shop.order(order_id)["reason"]) == (
        "CANCELLED",
        "challenge_failed",
    )


@each(
    ("form", "field"),
    [
        ({"number": "4111", "expires": "08/33"}, "CardNumber"),
        ({"number": "nobody", "expires": "08/33"}, "CardNumber"),
        ({"number": "4929" + "1" * 12, "expires": "08/33"}, "CardNumber"),
        (ANOTHER | {"expires": "13/33"}, "Expires"),
        (ANOTHER | {"expires": "soon"}, "Expires"),
        (ANOTHER | {"expires": "9" * 5000 + "/33"}, "Expires"),
        (ANOTHER | {"expires": "09/2020"}, "Expires"),
        (ANOTHER | {"expires": "09/0000"}, "Expires"),
        (ANOTHER | {"expires": "09/9999"}, "Expires"),
        (ANOTHER | {"code": "12x"}, "Code"),
        (ANOTHER | {"code": "12345"}, "Code"),
        ({}, "Confirmed"),
        ({"confirmed": "yes"}, "Confirmed"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    door: Door, shop: Caller, form: dict[str, str], field: str
) -> None:
    order_id, path = challenged(shop)
    answer = post(door, f"{path}/answer", **form)
    assert answer.status_code == 400
    assert f'id="{field}-e"' in answer.text
    assert form.get("number", "never") not in answer.text
    assert form.get("code", "never") not in answer.text or field == "Code"
    assert shop.order(order_id)["statusName"] == "PROCESSING"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=a", b"--a\r\nno form"),
        ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % n for n in range(2000))),
    ],
)
def test_a_form_that_cannot_be_read_is_said(
    door: Door, shop: Caller, kind: str, body: bytes
) -> None:
    order_id, path = challenged(shop)
    answer = door.call("POST", f"{path}/answer", content=body, headers={"content-type": kind})
    assert answer.status_code == 400
    assert shop.order(order_id)["statusName"] == "PROCESSING"


@pytest.mark.parametrize(
    ("source", "code", "head"),
    [
        ("visa", "54", "Your card has expired"),
        ("stripe", "expired_card", "Your card has expired"),
        ("nmi", "223", "Your card has expired"),
        ("visa", "55", "Your bank declined the card"),
    ],
)
def test_a_card_that_the_bank_does_not_take_is_asked_for(
    door: Door, shop: Caller, source: str, code: str, head: str
) -> None:
    token = script_card("visa", "54", 99)
    told = customer(
        shop,
        paymentMethod__cardNumber=token,
        transaction__responseCode=code,
        transaction__responseCodeSource=source,
    )
    assert told["status"] == "CHALLENGE"
    page = door.call("GET", urlsplit(told["challengeUrl"]).path).text
    assert head in page
    assert ", 00/00" not in page
    assert 'name="number"' in page


def test_a_managed_payment_has_a_link_too(door: Door, shop: Caller) -> None:
    order_id = shop.admit(
        paymentMethod__cardNumber=script_card("visa", "54", 99),
        transaction__responseCode="54",
        transaction__responseCodeSource="visa",
    )
    shop.advance(seconds=5)
    order = shop.order(order_id)
    assert order["statusName"] == "PROCESSING"
    path = urlsplit(order["challengeUrl"]).path
    assert post(door, f"{path}/answer", **ANOTHER).status_code == 303
    assert shop.order(order_id)["statusName"] == "COMPLETED"


@pytest.mark.parametrize("ending", ["", "x", "A" * 64, "%00", "../orders"])
def test_a_link_that_we_did_not_sign_shows_nothing(door: Door, shop: Caller, ending: str) -> None:
    _, path = challenged(shop)
    foreign = (
        path[: -len(ending)] + ending if ending else path[:-1] + ("A" if path[-1] != "A" else "B")
    )
    if foreign == path:  # one in 64 is signed so
        foreign = path[:-1] + "7"
    assert door.call("GET", foreign).status_code == 404
    assert post(door, f"{foreign}/answer", confirmed="1").status_code == 404


def test_an_order_that_asks_nothing_has_no_page(door: Door, shop: Caller) -> None:
    told = customer(shop)
    assert told["challengeUrl"] is None
    url = door.services.challenge_url(shop.shop.merchant_id, uuid.UUID(told["orderId"]))
    assert door.call("GET", urlsplit(url).path).status_code == 404


# the way back
# -------------------------------------------------------------------------------------------------


def back(door: Door, path: str) -> list[str]:
    """Where the page's links lead that leave it."""
    return re.findall(
        r'<a [^>]*href="(http[^"]*|//[^"]*|javascript[^"]*)"', door.call("GET", path).text
    )


@pytest.mark.parametrize("form", [{"confirmed": "1"}, None])
def test_after_the_challenge_the_customer_finds_back_to_the_shop(
    door: Door, shop: Caller, form: dict[str, str] | None
) -> None:
    _, path = challenged(shop, siteUrl="https://evil.example/steal")
    assert back(door, path) == []
    post(door, f"{path}/answer" if form else f"{path}/refuse", **form or {})
    page = door.call("GET", path).text
    assert back(door, path) == ["https://leaf.example.test"]
    assert "Back to" in page
    assert "evil.example" not in page


@pytest.mark.parametrize(
    ("url", "leads"),
    [
        ("shop.example", ["https://shop.example"]),
        ("https://shop.example/de?a=1", ["https://shop.example/de?a=1"]),
        ("http://shop.example", []),
        ("javascript:alert(1)", []),
        ('https://shop.example/"onclick="x', []),
    ],
)
def test_the_way_back_is_an_https_address_or_none(
    door: Door, shop: Caller, url: str, leads: list[str]
) -> None:
    _, path = challenged(shop)
    post(door, f"{path}/refuse")
    door.sql("UPDATE sites SET url = $2 WHERE merchant_id = $1", shop.shop.merchant_id, url)
    assert back(door, path) == leads
