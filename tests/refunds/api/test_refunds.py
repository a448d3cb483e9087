"""Money back through the API: amounts, items, currencies, repeats, refusals (contract §10, §17.1
C10, U7, U11)."""

import asyncio
import uuid
from typing import Any

import pytest
from tests import rescue_shapes as shapes
from tests.door import APPROVES, FUNDS, GONE, UNKNOWN, Caller, Door
from tests.rescue_shapes import check_refused, fields_of, typed
from tests.rings import each

from recoup.refunds.flows import refund

PAID = {
    "expiryDateUtc": GONE,
    "transaction__responseCode": "91",
    "paymentMethod__cardNumber": APPROVES,
}
ITEMS = [
    {"sku": "TEA", "name": "Tea", "amount": 3000, "quantity": 3, "tax": 90, "discountAmount": 0},
    {"sku": "MUG", "name": "Mug", "amount": 1500, "quantity": 1},
    {"sku": "MUG", "name": "Blue mug", "amount": 0},
]


def paid(shop: Caller, **changes: Any) -> str:
    """An order that was approved at once."""
    answer = shop.evaluate(**(PAID | changes)).json()
    assert answer["status"] == "APPROVED"
    return str(answer["orderId"])


def failed(answer: Any, code: str) -> Any:
    told = typed(answer, shapes.Refunded)
    digits = {"2001": "400301", "2002": "400302", "2003": "400303", "2004": "400304"}
    assert answer.status_code == 200
    assert (told.success, told.status, told.responseCode, told.statusCode) == (
        False,
        "FAILED",
        code,
        digits[code],
    )
    assert told.transactionId is None
    assert told.errors[0].item2 == told.errors[0].item3 == code
    return told


def test_part_after_part_until_nothing_is_left(shop: Caller) -> None:
    order_id = paid(shop)
    for amount, left in ((12.0, 3390), ("0.90", 3300), (33, 0)):
        assert shop.refund(order_id, {"amountToRefund": amount}).json()["status"] == "SUCCESS"
        shop.door.run(shop.shop.settle())
        assert 4590 - shop.order(order_id)["refundedAmount"] == left
    order = shop.order(order_id)
    assert (order["status"], order["statusName"]) == (6, "RETURNED")
    told = failed(shop.refund(order_id, {"amountToRefund": 0.01}), "2001")
    assert "0.01" in told.responseMessage
    assert "0.00" in told.responseMessage
    assert shop.post("/outcome", {"orderSessionKey": order_id}).json()["status"] == "APPROVED"


def test_an_order_refunded_in_very_many_parts_slows_nobody_down(
    shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order is loaded with all of its refunds: the page of one with 900 stopped all doors for
    two seconds."""
    monkeypatch.setattr(refund, "REFUNDS_MAX", 2)
    order_id = paid(shop)
    for amount in (1, 2):
        assert shop.refund(order_id, {"amountToRefund": amount}).json()["status"] == "SUCCESS"
    assert (
        "refunded in 2 parts"
        in failed(shop.refund(order_id, {"amountToRefund": 3}), "2002").responseMessage
    )
    assert shop.refund(order_id, {"amountToRefund": 42.9}).json()["status"] == "SUCCESS", "the rest"


def test_more_than_is_left_is_2001_with_both_amounts(door: Door, shop: Caller) -> None:
    order_id = paid(shop)
    with door.nothing_written():
        told = failed(shop.refund(order_id, {"amountToRefund": 60.00}), "2001")
    assert (
        told.responseMessage
        == "Amount to refund (60.00) is greater than maximum refund amount (45.90)"
    )


@pytest.mark.parametrize("state", ["draft", "processing", "cancelled", "expired"])
def test_an_order_that_was_not_paid_is_2002(door: Door, shop: Caller, state: str) -> None:
    order_id = shop.admit(paymentMethod__cardNumber=FUNDS)
    if state == "processing":
        shop.advance(seconds=1)
    if state == "cancelled":
        shop.post(f"/orders/{order_id}/cancel")
    if state == "expired":
        shop.advance(days=22)
    with door.nothing_written():
        told = failed(shop.refund(order_id, {"amountToRefund": 1}), "2002")
    assert told.result != told.responseMessage, "it says what to do"


def test_another_currency_is_2003(door: Door, shop: Caller) -> None:
    order_id = paid(shop)
    with door.nothing_written():
        failed(shop.refund(order_id, {"amountToRefund": 1, "currency": "EUR"}), "2003")
    assert (
        shop.refund(order_id, {"amountToRefund": 1, "currency": "usd"}).json()["status"]
        == "SUCCESS"
    )


@pytest.mark.parametrize(
    ("currency", "text", "units"),
    [("JPY", "500", 500), ("KWD", "12.500", 12500), ("KWD", 0.001, 1), ("USD", "0.10", 10)],
)
def test_amounts_have_the_currencys_own_scale(
    shop: Caller, currency: str, text: object, units: int
) -> None:
    order_id = paid(shop, transaction__currency=currency, transaction__amount=50_000)
    assert shop.refund(order_id, {"amountToRefund": text}).json()["status"] == "SUCCESS"
    assert shop.order(order_id)["refundedAmount"] == units


@each(
    "amount",
    [
        "0",
        0,
        -1,
        "-1.00",
        "1.999",
        1.999,
        1e-9,
        "1e2",
        "1,50",
        "abc",
        "",
        None,
        True,
        [1],
        {"a": 1},
        "NaN",
        "Infinity",
        "0x10",
        " ",
        "1" * 30,
        1e300,
        "1abc",
    ],
)
def test_amounts_that_are_none_are_400(door: Door, shop: Caller, amount: object) -> None:
    order_id = paid(shop)
    with door.nothing_written():
        assert list(fields_of(shop.refund(order_id, {"amountToRefund": amount}))) == [
            "AmountToRefund"
        ]


def test_an_amount_with_too_many_places_for_its_currency_is_400(door: Door, shop: Caller) -> None:
    order_id = paid(shop, transaction__currency="JPY")
    with door.nothing_written():
        [text] = fields_of(shop.refund(order_id, {"amountToRefund": 1.5}))["AmountToRefund"]
    assert "JPY" in text


def test_by_items(door: Door, shop: Caller) -> None:
    order_id = paid(shop, orderItems=ITEMS)
    answer = shop.refund(
        order_id, {"items": [{"sku": "TEA", "quantity": 2}, {"line": 2, "amount": 500}]}
    )
    assert answer.json()["status"] == "SUCCESS"
    assert shop.order(order_id)["refundedAmount"] == 2060 + 500
    shop.door.run(shop.shop.settle())
    for items in (
        [{"sku": "TEA", "quantity": 2}],
        [{"sku": "NONE"}],
        [{"sku": "MUG"}],
        [{"line": 9}],
        [],
        [{"line": 2, "amount": 1001}],
    ):
        with door.nothing_written():
            failed(shop.refund(order_id, {"items": items}), "2004")
    assert shop.refund(order_id, {"items": [{"line": 1}]}).json()["status"] == "SUCCESS"
    assert shop.order(order_id)["refundedAmount"] == 3090 + 500


def test_a_cup_is_refunded_as_it_was_paid(shop: Caller) -> None:
    """A line of three tins for 30.00 was taken for 90.00, and the cup of 15.90 was refunded as
    6.89."""
    lines = [
        {"sku": "TEA", "amount": 3000, "quantity": 3},
        {"sku": "CUP", "amount": 1590, "quantity": 1},
    ]
    order_id = paid(shop, orderItems=lines)
    for item, units in (
        ({"sku": "CUP"}, 1590),
        ({"sku": "TEA", "quantity": 1}, 2590),
        ({"line": 1, "quantity": 2}, 4590),
    ):
        assert shop.refund(order_id, {"items": [item]}).json()["status"] == "SUCCESS"
        shop.door.run(shop.shop.settle())
        assert shop.order(order_id)["refundedAmount"] == units


def test_lines_that_do_not_add_up_are_named_before_and_refused(door: Door, shop: Caller) -> None:
    lines = [{"sku": "TEA", "amount": 3000, "quantity": 3}, {"sku": "CUP", "amount": 1600}]
    body = shop.body(**PAID, orderItems=lines)
    [remark] = [
        one for one in shop.post("/evaluate/check", body).json()["remarks"] if "orderItems" in one
    ]
    assert "add up to 46.00, not to 45.90 USD" in remark
    answer = shop.evaluate(body).json()
    assert remark in answer["customProperties"]["warning"]
    with door.nothing_written():
        told = failed(shop.refund(answer["orderId"], {"items": [{"sku": "CUP"}]}), "2004")
    assert "46.00" in told.result
    assert "45.90" in told.result
    assert shop.refund(answer["orderId"], {"amountToRefund": 16}).json()["status"] == "SUCCESS"


def test_an_order_without_items_says_so(door: Door, shop: Caller) -> None:
    order_id = paid(shop)
    with door.nothing_written():
        assert (
            "without items"
            in failed(shop.refund(order_id, {"items": [{"line": 1}]}), "2004").responseMessage
        )


@each(
    ("body", "field"),
    [
        ({"items": [{}]}, "Items[0].Sku"),
        ({"items": "all"}, "Items"),
        ({"items": [{"line": 0}]}, "Items[0].Line"),
        ({"items": [{"line": 1, "quantity": -1}]}, "Items[0].Quantity"),
        ({"items": [{"line": 1, "amount": 0.5}]}, "Items[0].Amount"),
        ({"items": [{"line": 1}], "amountToRefund": 1}, "Items"),
        ({"items": [[]]}, "Items[0]"),
        ({}, "AmountToRefund"),
        ({"amountToRefund": 1, "mid": UNKNOWN}, "Mid"),
        ({"amountToRefund": 1, "refundMessage": "x" * 501}, "RefundMessage"),
        ({"amountToRefund": 1, "idempotencyKey": "k" * 129}, "IdempotencyKey"),
        ({"amountToRefund": 1, "currency": 5}, None),
    ],
)
def test_forms_that_are_wrong_name_the_field(
    door: Door, shop: Caller, body: dict[str, Any], field: str | None
) -> None:
    order_id = paid(shop, orderItems=ITEMS)
    with door.nothing_written():
        answer = shop.refund(order_id, body)
        if field is None:
            failed(answer, "2003")
        else:
            assert field in fields_of(answer)


# repeats
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["field", "header"])
def test_a_key_decides_for_ever(door: Door, shop: Caller, how: str) -> None:
    order_id, another, key = paid(shop), paid(shop), str(uuid.uuid4())
    headers = {"Idempotency-Key": key} if how == "header" else {}
    body = {"amountToRefund": 5} | ({"idempotencyKey": key} if how == "field" else {})
    first = shop.refund(order_id, body, headers=headers).json()
    shop.door.run(shop.shop.settle())
    with door.nothing_written():
        assert shop.refund(order_id, body, headers=headers).json() == first
        check_refused(
            shop.refund(order_id, body | {"amountToRefund": 6}, headers=headers), 409, "conflict"
        )
        check_refused(shop.refund(another, body, headers=headers), 409, "conflict")
    assert shop.order(order_id)["refundedAmount"] == 500


def test_keys_longer_than_ours_are_refused_and_not_cut(door: Door, shop: Caller) -> None:
    order_id = paid(shop)
    with door.nothing_written():
        answer = shop.refund(
            order_id, {"amountToRefund": 1}, headers={"Idempotency-Key": "k" * 129}
        )
        assert list(fields_of(answer)) == ["IdempotencyKey"]


def test_without_a_key_an_identical_call_is_the_same_while_the_first_is_open(shop: Caller) -> None:
    order_id = paid(shop)
    body = {"amountToRefund": 5, "refundMessage": "asked"}
    first, second = shop.refund(order_id, body).json(), shop.refund(order_id, body).json()
    assert first.pop("customProperties") == {}
    assert "no second one was made" in second.pop("customProperties")["warning"]
    assert second == first
    other = shop.refund(order_id, body | {"refundMessage": "asked again"}).json()
    assert other["transactionId"] != first["transactionId"]
    shop.door.run(shop.shop.settle())
    third = shop.refund(order_id, body).json()
    assert third["transactionId"] not in (first["transactionId"], other["transactionId"])
    assert shop.order(order_id)["refundedAmount"] == 1500


def test_a_repeat_with_a_key_is_the_same_to_the_letter(shop: Caller) -> None:
    order_id, body = paid(shop), {"amountToRefund": 5, "idempotencyKey": "a"}
    first, second = shop.refund(order_id, body).json(), shop.refund(order_id, body).json()
    assert first["customProperties"] == {}
    assert second == first


def test_a_refund_of_nothing_named_is_told_of_amounts_and_of_items(shop: Caller) -> None:
    answer = shop.refund(paid(shop), {})
    told = "The AmountToRefund field is required. Send an amount like 19.99, or items."
    assert (answer.status_code, fields_of(answer)) == (400, {"AmountToRefund": [told]})


def test_two_keys_are_two_refunds(shop: Caller) -> None:
    order_id = paid(shop)
    made = {
        shop.refund(order_id, {"amountToRefund": 5, "idempotencyKey": key}).json()["transactionId"]
        for key in ("a", "b")
    }
    assert len(made) == 2
    assert shop.order(order_id)["refundedAmount"] == 1000


def test_many_at_once_never_give_back_more_than_was_paid(door: Door, shop: Caller) -> None:
    order_id = paid(shop)

    async def all_at_once() -> list[Any]:
        path = f"/v1/orders/{order_id}/refund"
        bodies = [{"amountToRefund": 10, "idempotencyKey": f"k{n % 10}"} for n in range(30)]
        return await asyncio.gather(
            *(door.client.post(path, json=body, headers=shop.headers) for body in bodies)
        )

    answers = door.run(all_at_once())
    assert {answer.status_code for answer in answers} == {200}
    assert len({a.json()["transactionId"] for a in answers if a.json()["status"] == "SUCCESS"}) == 4
    assert {a.json()["responseCode"] for a in answers} == {"100", "2001"}
    assert shop.order(order_id)["refundedAmount"] == 4000


def test_of_32_refunds_of_60_percent_at_once_one_is_taken(door: Door, shop: Caller) -> None:
    order_id = paid(shop, transaction__amount=10_000)
    headers = [shop.headers | {"idempotency-key": f"{order_id}-{number}"} for number in range(32)]

    async def together() -> list[Any]:
        path = f"/v1/orders/{order_id}/refund"
        return await asyncio.gather(
            *(
                door.client.post(path, json={"amountToRefund": 60.00}, headers=one)
                for one in headers
            )
        )

    told = [answer.json() for answer in door.run(together())]
    assert [one["status"] for one in told].count("SUCCESS") == 1
    assert {one["responseCode"] for one in told if one["status"] == "FAILED"} == {"2001"}
    assert shop.order(order_id)["refundedAmount"] == 6_000


def test_another_merchants_order_is_404(door: Door, shop: Caller, other: Caller) -> None:
    order_id = paid(shop)
    with door.nothing_written():
        check_refused(other.refund(order_id, {"amountToRefund": 1}), 404, "not_found")


def test_items_that_the_order_has_not_are_told_with_those_it_has(shop: Caller) -> None:
    lines = [
        {"sku": "shoe-41", "amount": 4000, "quantity": 2},
        {"sku": "lace", "amount": 590, "quantity": 1},
    ]
    order_id = shop.completed(orderItems=lines)

    def told(**item: Any) -> str:
        answer = shop.refund(order_id, {"items": [item]}).json()
        assert answer["errors"][0]["item1"] == answer["result"]
        return str(answer["result"])

    wrong = (
        "The order has no such item. Its lines are 1 (shoe-41), 2 (lace): name one by sku or line."
    )
    assert told(sku="boot") == wrong
    assert told(line=1, quantity=3) == "Line 1 has a quantity of 2 left to refund. Send 2 or less."
    shop.refund(order_id, {"items": [{"line": 2}]})
    assert told(line=2, quantity=1).endswith(
        "0 left to refund. Leave this line out: all of it is refunded."
    )
