"""A customer at the checkout, over the wire: what a client reads of CIT,
authorisation and capture."""

import uuid
from typing import Any

import pytest
from tests.door import Caller, Door
from tests.rescue_shapes import check_refused, fields_of

from recoup.networks.allow_list import APPROVE_CARDS, PHONE_CARD
from recoup.networks.magic import CHALLENGE_PHONES


def customer(shop: Caller, **changes: Any) -> dict[str, Any]:
    """One CIT, as a checkout sends it."""
    usual = {
        "isMIT": False,
        "expiryDateUtc": None,
        "customerIp": "203.0.113.24",
        "paymentMethod__cardNumber": APPROVE_CARDS[1],
        "paymentMethod__verificationValue": "123",
    }
    answer = shop.evaluate(**(usual | changes))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def capture(shop: Caller, order_id: str, **changes: Any) -> Any:
    body = {
        "idempotencyKey": str(uuid.uuid4()),
        "orderId": order_id,
        "amount": 4590,
        "currency": "USD",
    }
    return shop.post("/capture", body | changes)


@pytest.mark.parametrize("source", ["ecommerce", "moto"])
def test_a_cit_is_answered_at_once(shop: Caller, source: str) -> None:
    told = customer(shop, orderSource=source)
    assert (told["status"], told["success"]) == ("APPROVED", True)
    assert shop.order(told["orderId"])["orderSource"] == (
        "callcenter" if source == "moto" else source
    )
    told = customer(
        shop,
        paymentMethod__cardNumber=PHONE_CARD,
        paymentMethod__verificationValue="",
        payer__phone="",
    )
    assert (told["status"], told["success"], told["reason"]) == ("DECLINED", False, "declined")
    told = customer(shop, paymentMethod__cardNumber=PHONE_CARD, payer__phone=CHALLENGE_PHONES[0])
    assert (told["status"], told["success"]) == ("CHALLENGE", True)
    assert shop.order(told["orderId"])["statusName"] == "PROCESSING"


def test_the_code_given_at_tokenize_counts(shop: Caller) -> None:
    token = shop.token_for(PHONE_CARD, payment_method__credit_card__verification_value="999")
    told = customer(
        shop,
        paymentMethod__cardNumber=token,
        paymentMethod__token=True,
        payer__phone="",
        paymentMethod__verificationValue="",
    )
    assert told["status"] == "APPROVED"
    again = customer(
        shop,
        paymentMethod__cardNumber=token,
        paymentMethod__token=True,
        payer__phone="",
        paymentMethod__verificationValue="",
    )
    assert again["status"] == "DECLINED"  # a code is used once


def test_authorise_capture_refund(shop: Caller) -> None:
    told = customer(shop, transactionType="Authorization", payer__phone="998888")
    order_id = told["orderId"]
    assert (told["status"], told["success"]) == ("CAPTUREREQUIRED", True)
    assert shop.order(order_id)["statusName"] == "CAPTUREREQUIRED"
    part = capture(shop, order_id, amount=1000).json()
    assert (part["status"], part["captureStatus"], part["success"]) == ("FAILED", "FAILED", False)
    assert "45.90" in part["errors"][0]["item1"]
    key = str(uuid.uuid4())
    done = capture(shop, order_id, idempotencyKey=key).json()
    assert (done["status"], done["captureStatus"], done["success"], done["orderId"]) == (
        "SUCCESS",
        "SUCCESS",
        True,
        order_id,
    )
    assert capture(shop, order_id, idempotencyKey=key).json() == done
    assert shop.order(order_id)["statusName"] == "COMPLETED"
    check_refused(capture(shop, order_id), 409, "wrong_state")
    check_refused(capture(shop, order_id, idempotencyKey=key, amount=4591), 409, "conflict")
    assert shop.refund(order_id, {"amountToRefund": 10}).json()["status"] == "SUCCESS"


def test_an_authorisation_is_let_go_by_cancel(shop: Caller) -> None:
    order_id = customer(shop, transactionType="AUTHORIZATION")["orderId"]
    answer = shop.post(f"/orders/{order_id}/cancel", {})
    assert (answer.status_code, answer.json()) == (200, {})
    check_refused(capture(shop, order_id), 409, "wrong_state")
    shop.advance(seconds=5)
    assert shop.order(order_id)["statusName"] == "CANCELLED"


def test_what_a_bad_capture_gets(door: Door, shop: Caller) -> None:
    order_id = customer(shop, transactionType="AUTHORIZATION")["orderId"]
    other = door.shop()
    other.sign_in()
    with door.nothing_written():
        bad: tuple[tuple[str, Any], ...] = (
            ("amount", "45.90"),
            ("amount", -1),
            ("amount", 4590.5),
            ("currency", "XXY"),
            ("orderId", "order-1"),
            ("orderId", None),
            ("idempotencyKey", ""),
        )
        for field, value in bad:
            said = fields_of(capture(shop, order_id, **{field: value}))
            assert field.lower() in {name.lower() for name in said}, said
        nothing = capture(shop, order_id, amount=0).json()
        assert (nothing["status"], nothing["statusCode"]) == ("FAILED", "400401"), (
            "only with finalCapture"
        )
        check_refused(capture(shop, str(uuid.uuid4())), 404, "not_found")
        check_refused(capture(other, order_id), 404, "not_found")


# what would have helped
# ---------------------------------------------------------------------------------------


def test_a_payment_without_the_customers_address_is_told_so(shop: Caller) -> None:
    told = customer(shop, customerIp=None)
    assert told["status"] == "APPROVED"
    assert "customerIp" in told["customProperties"]["warning"]
    for more in ({}, {"customerIp": None, "orderSource": "callcenter"}):
        assert customer(shop, **more)["customProperties"] == {}
    assert shop.evaluate(customerIp=None).json()["customProperties"] == {}, (
        "nobody waits for a recurring payment"
    )


def test_a_security_code_that_is_used_up_is_told(shop: Caller) -> None:
    token = shop.token_for(PHONE_CARD)
    asked: dict[str, Any] = {
        "paymentMethod__cardNumber": token,
        "paymentMethod__token": True,
        "payer__phone": "",
        "paymentMethod__verificationValue": "",
    }
    assert customer(shop, **asked)["customProperties"] == {}
    told = customer(shop, **asked)
    assert told["status"] == "DECLINED"
    assert "serves one send" in told["customProperties"]["warning"]
    assert "verificationValue" in told["customProperties"]["warning"]
    assert (
        customer(shop, **asked | {"paymentMethod__verificationValue": "999"})["customProperties"]
        == {}
    )


@pytest.mark.parametrize("kind", ["AUTHORIZATION", "Authorization"])
def test_a_client_of_july_2024_asks_to_hold_inside_transaction_and_no_money_is_taken(
    shop: Caller, kind: str
) -> None:
    held = customer(shop, transaction__transactionType=kind)
    assert held["status"] == "CAPTUREREQUIRED"
    assert "transactionType PURCHASE" in held["customProperties"]["warning"]
    assert shop.order(held["orderId"])["statusName"] == "CAPTUREREQUIRED"
    assert (
        customer(shop, transaction__transactionType=kind, transactionType="PURCHASE")["status"]
        == "APPROVED"
    )
    assert customer(shop, transaction__transactionType="CAPTURE")["status"] == "APPROVED"
    assert customer(shop, transaction__transactionType="Purchase")["status"] == "APPROVED"
