"""The same call again, and almost the same: keys, order ids,
generations (contract §5.5, §17.1 U3)."""

import asyncio
import uuid
from typing import Any

import pytest
from tests.door import APPROVES, FUNDS, GONE, HARD, Caller, Door, changed
from tests.rescue_shapes import check_refused
from tests.rings import each

from recoup.rescue.flows.evaluate import Evaluate


def new_key(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The body once more under a new key."""
    copy = {name: dict(value) if isinstance(value, dict) else value for name, value in body.items()}
    return changed(copy | {"idempotencyKey": str(uuid.uuid4())}, changes)


def same_key(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return new_key(body, **changes) | {"idempotencyKey": body["idempotencyKey"]}


def orders_of(door: Door, shop: Caller) -> int:
    [row] = door.sql("SELECT count(*) FROM orders WHERE merchant_id = $1", shop.shop.merchant_id)
    return int(row["count"])


def test_the_same_call_again_has_the_same_answer(door: Door, shop: Caller) -> None:
    body = shop.body()
    first = shop.evaluate(body)
    with door.nothing_written():
        again = shop.evaluate(body)
    assert again.content == first.content
    shop.advance(days=20)  # what became of it since is told by the order, not by the same key
    assert shop.evaluate(body).json()["status"] == "SUBMITTED"


def test_a_call_whose_first_is_in_progress_says_so(
    door: Door, shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*args: Any, **more: Any) -> None: ...

    with monkeypatch.context() as busy:
        busy.setattr(Evaluate, "_admit", never)
        body = shop.body()
        refused = shop.evaluate(body)
    check_refused(refused, 409, "in_progress")
    assert refused.headers["retry-after"] == "1"
    assert "is still in progress" in refused.json()["result"]
    assert shop.evaluate(body).json()["status"] == "SUBMITTED"


def test_codes_and_moments_do_not_count(door: Door, shop: Caller) -> None:
    body = shop.body(paymentMethod__verificationValue="917")
    first = shop.evaluate(body).json()
    with door.nothing_written():
        for change in (
            {"transaction.timestampUtc": "2026-01-02T03:04:05Z"},
            {"paymentMethod.verificationValue": "123"},
            {"transaction.timezoneUtcOffset": 3},
            {"paymentMethod.verificationValue": GONE},
        ):
            assert shop.evaluate(same_key(body, **change)).json()["orderId"] == first["orderId"], (
                change
            )


@each(
    "change",
    [
        {"orderId": "another"},
        {"transaction.amount": 4591},
        {"transaction.currency": "EUR"},
        {"transaction.id": "other"},
        {"paymentMethod.cardNumber": FUNDS},
        {"transaction.responseCode": "05"},
        {"orderSource": "moto"},
        {"payer.email": "eve@example.test"},
        {"payer.phone": "+1 555 010 9999"},
        {"billingInformation.zipcode": "90210"},
        {"customerIp": "203.0.113.7"},
        {"subscription.price": "46.00"},
        {"siteId": GONE},
        {"paymentMethod.expirationYear": 2032},
        {"expiryDateUtc": "2026-12-24T00:00:00Z"},
    ],
)
def test_the_same_key_with_other_content_is_409(
    door: Door, shop: Caller, change: dict[str, Any]
) -> None:
    body = shop.body()
    assert shop.evaluate(body).json()["status"] == "SUBMITTED"
    with door.nothing_written():
        answer = check_refused(shop.evaluate(same_key(body, **change)), 409, "conflict")
    assert "idempotencyKey" in answer["result"]


def test_a_new_key_for_the_same_order_reads_its_state(door: Door, shop: Caller) -> None:
    body = shop.body()
    order_id = shop.evaluate(body).json()["orderId"]
    with door.nothing_written(but=("requests",)):
        for change in (
            {},
            {"transaction.id": "a-later-decline"},
            {"payer.email": "new@example.test"},
        ):
            again = shop.evaluate(new_key(body, **change)).json()
            assert (again["orderId"], again["status"]) == (order_id, "SUBMITTED")
    read = new_key(body)
    assert shop.evaluate(read).json()["orderId"] == order_id
    check_refused(shop.evaluate(same_key(read, orderId="for-another-order")), 409, "conflict")
    shop.advance(days=20)
    assert shop.evaluate(new_key(body)).json()["status"] == "APPROVED"
    assert shop.evaluate(read).json()["status"] == "SUBMITTED"  # as it was answered first


def test_the_same_card_as_token_and_as_number_is_one_card(door: Door, shop: Caller) -> None:
    """Cards compare by print: the token of a number and the number itself mean the same."""
    body = shop.body(paymentMethod__cardNumber=shop.token_for(APPROVES))
    order_id = shop.evaluate(body).json()["orderId"]
    again = new_key(body, **{"paymentMethod.cardNumber": APPROVES})
    with door.nothing_written(but=("requests",)):
        assert shop.evaluate(again).json()["orderId"] == order_id


@each(
    ("change", "what"),
    [
        ({"transaction.amount": 4591}, "amount"),
        ({"transaction.currency": "EUR"}, "amount"),
        ({"paymentMethod.cardNumber": FUNDS}, "card"),
    ],
)
@each("days", [0, 20])
def test_another_amount_or_card_for_an_open_or_paid_order_is_409(
    door: Door, shop: Caller, change: dict[str, Any], what: str, days: int
) -> None:
    body = shop.body()
    shop.evaluate(body)
    shop.advance(days=days)
    late = {"expiryDateUtc": shop.body()["expiryDateUtc"]}
    with door.nothing_written():
        answer = check_refused(shop.evaluate(new_key(body, **(change | late))), 409, "conflict")
    assert f"another {what}" in answer["result"]


def test_after_a_hard_end_the_end_is_read_until_something_differs(door: Door, shop: Caller) -> None:
    body = shop.body(
        expiryDateUtc=GONE, paymentMethod__cardNumber=HARD, transaction__responseCode="91"
    )
    first = shop.evaluate(body).json()
    assert first["reason"] == "declined"
    with door.nothing_written(but=("requests",)):
        again = shop.evaluate(new_key(body)).json()
        assert (again["orderId"], again["status"], again["reason"]) == (
            first["orderId"],
            "DECLINED",
            "declined",
        )
    generations = [first["orderId"]]
    for change in (
        {"transaction.id": "next"},
        {"transaction.amount": 4600},
        {"paymentMethod.cardNumber": APPROVES},
    ):
        body = new_key(body, **change)
        made = shop.evaluate(body).json()["orderId"]
        assert made not in generations, change
        generations.append(made)
    assert orders_of(door, shop) == 4
    assert {shop.order(one)["externalOrderId"] for one in generations} == {body["orderId"]}


def test_after_its_expiry_a_new_decline_begins_anew(door: Door, shop: Caller) -> None:
    body = shop.body(paymentMethod__cardNumber=FUNDS)
    first = shop.evaluate(body).json()["orderId"]
    shop.advance(days=22)
    late = {"expiryDateUtc": shop.body()["expiryDateUtc"]}
    assert shop.evaluate(new_key(body, **late)).json()["orderId"] == first
    second = shop.evaluate(new_key(body, **late, **{"transaction.id": "next-month"})).json()
    assert (second["orderId"] != first, second["status"]) == (True, "SUBMITTED")


def test_after_a_cancel_there_is_no_new_generation(shop: Caller) -> None:
    body = shop.body()
    order_id = shop.evaluate(body).json()["orderId"]
    shop.post(f"/orders/{order_id}/cancel")
    again = shop.evaluate(new_key(body, **{"transaction.id": "next"})).json()
    assert (again["orderId"], again["status"], again["success"]) == (order_id, "CANCELLED", False)


def test_what_was_taken_is_answered_even_where_it_would_be_refused_today(shop: Caller) -> None:
    """The repeat of a call whose expiry has passed in the meantime is a repeat, not a bad date."""
    body = shop.body(paymentMethod__cardNumber=FUNDS)
    first = shop.evaluate(body).json()["orderId"]
    shop.advance(days=30)
    assert shop.evaluate(body).json()["orderId"] == first


def test_the_same_key_is_another_merchants_own(shop: Caller, other: Caller) -> None:
    body = shop.body()
    mine = shop.evaluate(body).json()["orderId"]
    theirs = other.evaluate(body | {"mid": other.mid, "siteId": str(other.shop.site_id)}).json()[
        "orderId"
    ]
    assert mine != theirs


@pytest.mark.parametrize("expiry", [True, False])
def test_many_at_once_make_one_order(door: Door, shop: Caller, expiry: bool) -> None:
    """The same call twenty times at the same moment, and its order under twenty other keys."""
    body = shop.body() if expiry else shop.body(expiryDateUtc=GONE, transaction__responseCode="91")
    bodies = [body] * 20 + [new_key(body) for _ in range(20)]

    async def all_at_once() -> list[Any]:
        calls = [door.client.post("/v1/evaluate", json=one, headers=shop.headers) for one in bodies]
        return await asyncio.gather(*calls)

    answers = door.run(all_at_once())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["orderId"] for answer in answers}) == 1
    assert orders_of(door, shop) == 1


def test_many_different_ones_at_once_make_one_order_or_a_conflict(door: Door, shop: Caller) -> None:
    body = shop.body()
    bodies = [new_key(body, **{"transaction.amount": 1000 + n}) for n in range(12)]

    async def all_at_once() -> list[Any]:
        calls = [door.client.post("/v1/evaluate", json=one, headers=shop.headers) for one in bodies]
        return await asyncio.gather(*calls)

    answers = door.run(all_at_once())
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 11
    assert orders_of(door, shop) == 1
