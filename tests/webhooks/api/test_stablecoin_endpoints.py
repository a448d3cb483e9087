"""Endpoints of the rescue API that hear the stablecoin orders, in that dialect. Source: contract
§17.1."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.door import Caller, Door
from tests.receiver import Delivery, Receiver, receiving
from tests.rescue_shapes import check_refused, fields_of
from tests.stablecoin.door import Merchant, door_over
from tests.stablecoin.signer import Signer

from recoup.stablecoin.rules.event_names import DEFAULT, NAMES


@pytest.fixture
def hooks(door: Door) -> Iterator[Receiver]:
    with receiving(door) as receiver:
        yield receiver


@pytest.fixture
def payer(door: Door, shop: Caller) -> Iterator[Merchant]:
    """The same merchant, at the stablecoin API."""
    with door_over(door) as other:
        yield Merchant(
            other,
            shop.shop,
            Signer(shop.shop.keys.stablecoin_key_id, shop.shop.keys.stablecoin_secret),
        )


def endpoint(shop: Caller, url: str, **more: Any) -> dict[str, Any]:
    answer = shop.post("/webhooks", {"url": url, "format": "stablecoin"} | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def opened(secret: str, got: Delivery) -> dict[str, Any]:
    """The body, after the signature was checked as the stablecoin contract says."""
    message = got.headers["x-fluxa-timestamp"].encode() + b"." + got.body
    assert (
        hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
        == got.headers["x-fluxa-signature"]
    )
    body: dict[str, Any] = got.json
    if got.headers.get("x-fluxa-encryption") == "A256GCM":
        sealed = base64.b64decode(body["data"])
        key = hashlib.sha256(secret.encode()).digest()
        body = json.loads(AESGCM(key).decrypt(sealed[:12], sealed[12:], None))
    assert body["event"] == got.headers["x-fluxa-event"]
    return body


@pytest.mark.parametrize(
    "more", [{}, {"ownKey": True}, {"encrypt": True}, {"ownKey": True, "encrypt": True}]
)
def test_a_stablecoin_payment_is_told_in_its_own_dialect(
    shop: Caller, payer: Merchant, hooks: Receiver, more: dict[str, Any]
) -> None:
    made = endpoint(shop, hooks.url(), **more)
    assert (made["format"], tuple(made["events"]), made["encrypt"]) == (
        "stablecoin",
        DEFAULT,
        "encrypt" in more,
    )
    assert (made["signingKey"] == shop.shop.webhook_key) == ("ownKey" not in more)
    order = payer.paid(amount="49.90")
    shop.completed()
    shop.door.run(shop.shop.publish())
    [got] = hooks.got
    told = opened(made["signingKey"], got)
    assert (told["event"], told["order_id"], told["amount"]) == (
        "payment.succeeded",
        order["id"],
        "49.90",
    )
    [tried] = shop.get(f"/webhooks/{made['id']}/deliveries").json()["data"]
    assert (tried["event"], tried["result"], tried["isSample"]) == (
        "payment.succeeded",
        "delivered",
        False,
    )


def test_the_other_apis_webhook_stays_its_own(
    shop: Caller, payer: Merchant, hooks: Receiver
) -> None:
    payer.call("PUT", "/webhook", {"url": hooks.url("/theirs")})
    made = endpoint(shop, hooks.url("/ours"), events=["payment.refunded"])
    assert [one["id"] for one in shop.get("/webhooks").json()["data"]] == [made["id"]]
    payer.paid()
    shop.door.run(shop.shop.publish())
    [got] = hooks.got
    assert got.line.startswith("POST /theirs ")
    opened(shop.shop.keys.stablecoin_webhook_secret, got)
    assert shop.call("DELETE", f"/webhooks/{made['id']}").status_code == 204
    assert payer.get("/webhook").json()["webhook"]["url"] == hooks.url("/theirs")


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_of_every_stablecoin_event(shop: Caller, hooks: Receiver, name: str) -> None:
    made = endpoint(shop, hooks.url(), encrypt=name == "payment.failed")
    told = shop.post(f"/webhooks/{made['id']}/test", {"event": name}).json()
    assert (told["success"], told["event"]) == (True, name)
    [got] = hooks.got
    assert opened(made["signingKey"], got)["event"] == name


def test_a_stablecoin_sample_without_a_name_is_a_payment(shop: Caller, hooks: Receiver) -> None:
    made = endpoint(shop, hooks.url())
    assert shop.post(f"/webhooks/{made['id']}/test", {}).json()["event"] == "payment.succeeded"
    wrong = fields_of(shop.post(f"/webhooks/{made['id']}/test", {"event": "order.completed"}))
    assert "payment.succeeded" in wrong["Event"][0]


def test_an_endpoint_keeps_its_dialect(shop: Caller) -> None:
    stable = endpoint(shop, "https://hooks.merchant.example.com/")
    rescue = endpoint(shop, "https://hooks.merchant.example.com/", format="rescue")
    for made, other in ((stable, "rescue"), (rescue, "stablecoin")):
        with shop.door.nothing_written():
            wrong = fields_of(shop.call("PATCH", f"/webhooks/{made['id']}", json={"format": other}))
        assert list(wrong) == ["Format"]
        assert "another endpoint" in wrong["Format"][0]
    path = f"/webhooks/{stable['id']}"
    changed = shop.call("PATCH", path, json={"encrypt": True, "events": ["payment.failed"]}).json()
    assert changed == stable | {"encrypt": True, "events": ["payment.failed"]}
    assert shop.call("PUT", path, json={"url": stable["url"]}).json() == stable
    assert (
        "format"
        in fields_of(shop.call("PATCH", f"/webhooks/{rescue['id']}", json={"encrypt": True}))[
            "Encrypt"
        ][0]
    )
    assert (
        "payment.failed"
        in fields_of(shop.call("PATCH", path, json={"events": ["order.completed"]}))["Events"][0]
    )


# the same url twice
# -------------------------------------------------------------------------------------------


def test_the_same_url_twice_is_a_conflict_that_names_the_endpoint(
    shop: Caller, other: Caller
) -> None:
    url = "https://hooks.merchant.example.com/"
    first, second = (shop.post("/webhooks", {"url": one}).json() for one in (url, url + "2"))
    with shop.door.nothing_written():
        told = check_refused(
            shop.post("/webhooks", {"url": url, "format": "standard"}), 409, "conflict"
        )["result"]
        assert first["id"] in told
        again = shop.call("PATCH", f"/webhooks/{second['id']}", json={"url": url})
        assert first["id"] in check_refused(again, 409, "conflict")["result"]
    assert other.post("/webhooks", {"url": url}).status_code == 201
    shop.call("DELETE", f"/webhooks/{first['id']}")
    assert shop.call("PATCH", f"/webhooks/{second['id']}", json={"url": url}).status_code == 200


def test_the_same_url_at_once_is_one_endpoint(door: Door, shop: Caller) -> None:
    async def together() -> list[int]:
        body = {"url": "https://hooks.merchant.example.com/once"}
        calls = (
            door.client.post("/v1/webhooks", headers=shop.headers, json=body) for _ in range(6)
        )
        return sorted([answer.status_code for answer in await asyncio.gather(*calls)])

    assert door.run(together()) == [201, 409, 409, 409, 409, 409]


# samples among the deliveries
# ---------------------------------------------------------------------------------


def test_a_test_send_shows_among_the_deliveries(shop: Caller, hooks: Receiver) -> None:
    made = shop.post("/webhooks", {"url": hooks.url()}).json()
    hooks.answers = [500]
    for event in ("order.refunded", "order.expired"):
        shop.post(f"/webhooks/{made['id']}/test", {"event": event})
    told = shop.get(f"/webhooks/{made['id']}/deliveries").json()["data"]
    assert [(one["event"], one["result"], one["status"], one["isSample"]) for one in told] == [
        ("order.expired", "delivered", 200, True),
        ("order.refunded", "failed", 500, True),
    ]


def test_a_test_send_that_nobody_takes_shows_too(shop: Caller) -> None:
    made = shop.post("/webhooks", {"url": "http://127.0.0.1:9/"}).json()
    shop.call("POST", f"/webhooks/{made['id']}/test", json={}, allow_5xx=True)
    [told] = shop.get(f"/webhooks/{made['id']}/deliveries").json()["data"]
    assert (told["event"], told["result"], told["status"]) == ("order.completed", "failed", None)
    assert (told["error"], told["isSample"]) == ("connect", True)
