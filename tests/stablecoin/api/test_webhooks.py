"""Events from the order to a real receiver, checked by hand as a merchant would. Source: contract
§3."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.receiver import Delivery, Receiver, receiving
from tests.rings import each
from tests.stablecoin.api.test_signatures import refused
from tests.stablecoin.door import Door, Merchant

from recoup.kernel.problem import Problem
from recoup.mail.rules.backoff import STABLECOIN
from recoup.stablecoin.rules.event_names import DEFAULT, NAMES
from recoup.webhooks.flows import endpoints
from recoup.webhooks.flows.rotate import rotate_shared


@pytest.fixture
def hooks(door: Door) -> Iterator[Receiver]:
    with receiving(door) as receiver:  # type: ignore[arg-type]
        yield receiver


def listen(merchant: Merchant, hooks: Receiver, **more: Any) -> dict[str, Any]:
    answer = merchant.call("PUT", "/webhook", {"url": hooks.url(), **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["webhook"]
    return found


def opened(merchant: Merchant, delivery: Delivery) -> dict[str, Any]:
    """The body, after the signature was checked as the contract says."""
    secret = merchant.shop.keys.stablecoin_webhook_secret
    headers = delivery.headers
    message = headers["x-fluxa-timestamp"].encode() + b"." + delivery.body
    assert (
        hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
        == headers["x-fluxa-signature"]
    )
    body = delivery.json
    if headers.get("x-fluxa-encryption") == "A256GCM":
        sealed = base64.b64decode(body["data"])
        plain = AESGCM(hashlib.sha256(secret.encode()).digest()).decrypt(
            sealed[:12], sealed[12:], None
        )
        body = json.loads(plain)
    assert body["event"] == headers["x-fluxa-event"]
    found: dict[str, Any] = body
    return found


def try_again(merchant: Merchant) -> None:
    """What waits for another try is due now."""
    statement = (
        "UPDATE lanes SET due_at = now() - interval '1 second', lease_until = NULL WHERE "
        "merchant_id = $1"
    )
    merchant.door.sql(statement, merchant.shop.merchant_id)
    merchant.publish()


def test_a_payment_is_told(merchant: Merchant, hooks: Receiver) -> None:
    listen(merchant, hooks)
    order = merchant.paid(amount="49.90")
    merchant.publish()
    [delivery] = hooks.got
    assert delivery.line.startswith("POST /hooks ")
    assert opened(merchant, delivery) == {
        "event": "payment.succeeded",
        "order_id": order["id"],
        "merchant_order_id": order["merchant_order_id"],
        "amount": "49.90",
        "currency": "USDT",
        "status": "paid",
        "channel": "mock",
        "channel_name": "Mock (test)",
        "is_test": True,
        "paid_at": order["paid_at"],
    }
    merchant.door.verified(merchant)


def test_the_rescue_api_cannot_delete_it(merchant: Merchant, hooks: Receiver) -> None:
    listen(merchant, hooks)
    [row] = merchant.door.sql(
        "SELECT endpoint_id FROM endpoints WHERE merchant_id = $1", merchant.shop.merchant_id
    )
    with pytest.raises(Problem, match="no such webhook endpoint"):
        merchant.door.run(
            endpoints.delete(merchant.door.world, merchant.shop.scope, row["endpoint_id"])
        )
    assert merchant.get("/webhook").json()["webhook"]["url"] == hooks.url()


def test_refunds_are_told_with_their_sum(merchant: Merchant, hooks: Receiver) -> None:
    listen(merchant, hooks, events=["payment.refunded"])
    order = merchant.paid(amount="49.90")
    for amount in ("10.00", "5.00", None):
        merchant.post(f"/orders/{order['id']}/refund", {"amount": amount} if amount else None)
    merchant.publish()
    told = [opened(merchant, delivery) for delivery in hooks.got]
    assert [(one["refunded_amount"], one["status"], one["amount"]) for one in told] == [
        ("10.00", "partially_refunded", "49.90"),
        ("15.00", "partially_refunded", "49.90"),
        ("49.90", "refunded", "49.90"),
    ]
    assert {one["event"] for one in told} == {"payment.refunded"}


def test_a_failure_is_told_a_cancel_is_not_and_expiry_when_asked_for(
    door: Door, hooks: Receiver
) -> None:
    merchant = door.merchant()
    listen(merchant, hooks)
    failing, called_off = merchant.charge(), merchant.charge()
    merchant.press(failing, "fail")
    merchant.post(f"/orders/{called_off['order']['id']}/cancel")
    merchant.charge(expires_in_seconds=60)
    merchant.advance(seconds=61)
    merchant.publish()
    [one] = [opened(merchant, delivery) for delivery in hooks.got]
    assert (one["event"], one["status"], one["order_id"]) == (
        "payment.failed",
        "failed",
        failing["order"]["id"],
    )
    hooks.got.clear()
    listen(merchant, hooks, events=["order.expired"])
    late = merchant.charge(expires_in_seconds=60)["order"]["id"]
    merchant.advance(seconds=61)
    [one] = [opened(merchant, delivery) for delivery in hooks.got]
    assert (one["event"], one["status"], one["order_id"]) == ("order.expired", "expired", late)
    door.verified(merchant)


def test_a_settlement_is_told_after_its_payment(merchant: Merchant, hooks: Receiver) -> None:
    merchant.fees(basis_points=50)
    listen(merchant, hooks)
    order = merchant.paid(channel="mock_direct", amount="49.90")
    merchant.run_due()
    merchant.publish()
    paid, settled = (opened(merchant, delivery) for delivery in hooks.got)
    assert (paid["event"], settled["event"]) == ("payment.succeeded", "settlement.completed")
    found = merchant.order(order["id"])["settlements"][0]
    assert settled == {
        "event": "settlement.completed",
        "order_id": order["id"],
        "merchant_order_id": order["merchant_order_id"],
        "currency": "USDT",
        "settlement_id": found["id"],
        "amount": "49.6505",
        "fee": "0.2495",
        "to_address": found["to_address"],
        "tx_hash": found["tx_hash"],
        "network": "mock_direct",
        "is_test": True,
    }


@pytest.mark.parametrize("encrypt", [False, True])
def test_a_replaced_secret_is_good_until_the_receiver_takes_the_new_one(
    merchant: Merchant, hooks: Receiver, encrypt: bool
) -> None:
    """It had ended at once, and every receiver that was not told refused what came next."""
    listen(merchant, hooks, encrypt=encrypt)
    door, scope = merchant.door, merchant.shop.scope
    old = merchant.shop.keys.stablecoin_webhook_secret
    new, until = door.run(rotate_shared(door.world, scope, timedelta(days=1), "stablecoin"))
    assert until is not None
    merchant.paid()
    merchant.publish()
    assert len(hooks.got) == 1
    opened(merchant, hooks.got[0])  # signed with the old one
    hooks.got.clear()
    hooks.answers[:] = [401, 200]  # the receiver has the new one now
    merchant.paid()
    merchant.publish()
    refused_, taken = hooks.got
    opened(merchant, refused_)
    merchant.shop = replace(
        merchant.shop, keys=replace(merchant.shop.keys, stablecoin_webhook_secret=new)
    )
    opened(merchant, taken)
    hooks.got.clear()
    merchant.paid()
    merchant.publish()
    assert len(hooks.got) == 1, "it stays with the new one"
    opened(merchant, hooks.got[0])
    with pytest.raises(Problem, match="good until"):
        door.run(rotate_shared(door.world, scope, timedelta(days=1), "stablecoin"))
    assert door.run(rotate_shared(door.world, scope, timedelta(0), "stablecoin"))[0] not in (
        old,
        new,
    )


def test_encrypted_bodies(merchant: Merchant, hooks: Receiver) -> None:
    assert listen(merchant, hooks, encrypt=True)["encrypt"] is True
    hooks.answers[:] = [500]
    order = merchant.paid()
    merchant.publish()
    try_again(merchant)
    first, second = hooks.got
    assert set(first.json) == {"alg", "data"}
    assert first.body == second.body, "the body is frozen"
    assert opened(merchant, first) == opened(merchant, second)
    assert opened(merchant, first)["order_id"] == order["id"]


@pytest.mark.parametrize("answer", [500, 404, 410, 301, 429])
def test_anything_but_2xx_is_a_failure_and_eight_tries_are_all(
    merchant: Merchant, hooks: Receiver, answer: int
) -> None:
    listen(merchant, hooks)
    hooks.answers[:] = [answer] * 20
    merchant.paid()
    merchant.publish()
    for _ in range(10):
        try_again(merchant)
    assert len(hooks.got) == 8
    assert len({delivery.body for delivery in hooks.got}) == 1
    for delivery in hooks.got:
        opened(merchant, delivery)
    rows = merchant.door.sql(
        "SELECT result, status FROM delivery_tries WHERE merchant_id = $1 ORDER BY try_no",
        merchant.shop.merchant_id,
    )
    assert [row["result"] for row in rows] == ["failed"] * 7 + ["parked"]
    assert {row["status"] for row in rows} == {answer}
    assert merchant.get("/webhook").json()["webhook"]["state"] == "active"


def test_the_waits_between_tries() -> None:
    assert [int(wait.total_seconds()) for wait in STABLECOIN.usual] == [
        10,
        30,
        120,
        600,
        1800,
        7200,
        21600,
    ]


def test_each_dialect_hears_its_own_orders(door: Door, hooks: Receiver) -> None:
    from recoup.orders.rules.events import CATALOGUE
    from recoup.webhooks.flows import endpoints

    merchant = door.merchant()
    shop = merchant.shop
    door.run(
        endpoints.create(door.world, shop.scope, hooks.url("/rescue"), list(CATALOGUE), "rescue")
    )
    listen(merchant, hooks, events=list(NAMES))
    rescued = door.run(shop.admit())
    order = merchant.paid()
    merchant.post(f"/orders/{order['id']}/refund", {"amount": "1.00"})
    merchant.advance(days=3)
    by_path: dict[str, set[str]] = {}
    for delivery in hooks.got:
        told = delivery.json
        if order_id := told.get("OrderId") or told.get(
            "order_id"
        ):  # the end of a month tells of settlements, too
            by_path.setdefault(delivery.line.split()[1], set()).add(order_id)
    assert by_path == {"/rescue": {str(rescued)}, "/hooks": {order["id"]}}
    assert [e.format for e in door.run(endpoints.list_all(door.world, shop.scope))] == ["rescue"]
    door.verified(merchant)


def test_the_address_is_set_changed_and_taken_away(merchant: Merchant, hooks: Receiver) -> None:
    assert merchant.get("/webhook").json()["webhook"] == {
        "url": "",
        "events": [],
        "encrypt": False,
        "state": "none",
    }
    made = listen(merchant, hooks)
    assert made == {"url": hooks.url(), "events": [], "encrypt": False, "state": "active"}
    listen(merchant, hooks, events=["payment.refunded", "payment.succeeded"])
    me = merchant.get("/me").json()["merchant"]
    assert me["webhook_url"] == hooks.url()
    assert me["webhook_events"] == "payment.refunded,payment.succeeded"
    assert merchant.shop.keys.stablecoin_webhook_secret not in json.dumps(me)
    rows = merchant.door.sql(
        "SELECT FROM endpoints WHERE merchant_id = $1", merchant.shop.merchant_id
    )
    assert len(rows) == 1
    assert merchant.call("PUT", "/webhook", {"url": ""}).json()["webhook"]["state"] == "none"
    merchant.paid()
    merchant.publish()
    assert not hooks.got


@each(
    ("body", "param"),
    [
        ({"url": "http://10.0.0.1/x"}, "url"),
        ({"url": "http://169.254.169.254/latest"}, "url"),
        ({"url": "nothing"}, "url"),
        ({"url": "ftp://shop.example"}, "url"),
        ({"url": 7}, "url"),
        ({}, "url"),
        ({"url": "https://shop.example", "events": ["payment.lost"]}, "events"),
        ({"url": "https://shop.example", "events": "payment.succeeded"}, "events"),
        ({"url": "https://shop.example", "encrypt": "yes"}, "encrypt"),
    ],
)
def test_addresses_that_are_not_called(
    merchant: Merchant, body: dict[str, Any], param: str
) -> None:
    assert refused(merchant.call("PUT", "/webhook", body), 400, "invalid_request")["param"] == param


def test_all_events_but_the_last_are_the_default() -> None:
    assert set(DEFAULT) == set(NAMES) - {"order.expired"}
