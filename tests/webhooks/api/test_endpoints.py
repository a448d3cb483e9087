"""Endpoints after their making: changed, tried with a sample, and what was sent there."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.door import UNKNOWN, Caller, Door, another
from tests.receiver import Receiver, is_standard, receiving, signed_by_hand
from tests.rescue_shapes import check_refused, fields_of

from recoup.orders.rules.events import CATALOGUE, events_by_default
from recoup.webhooks.rules.samples import sample_data


@pytest.fixture
def hooks(door: Door) -> Iterator[Receiver]:
    with receiving(door) as receiver:
        yield receiver


def endpoint(shop: Caller, url: str, **more: Any) -> dict[str, Any]:
    answer = shop.post("/webhooks", {"url": url} | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def publish(shop: Caller) -> None:
    shop.door.run(shop.shop.publish())


# changed
# --------------------------------------------------------------------------------------------------


def test_an_endpoint_is_changed_and_keeps_its_key(shop: Caller, hooks: Receiver) -> None:
    made = endpoint(shop, hooks.url("/old"), ownKey=True)
    path = f"/webhooks/{made['id']}"
    changed = shop.call(
        "PATCH", path, json={"url": hooks.url("/new"), "Events": ["order.submitted"]}
    ).json()
    assert changed == made | {"url": hooks.url("/new"), "events": ["order.submitted"]}
    assert shop.get(path).json() == changed
    shop.admit()
    publish(shop)
    assert [got.line.split()[1] for got in hooks.got] == ["/new"]
    put = shop.call("PUT", path, json={"url": hooks.url(), "format": "standard"}).json()
    healthy = made["health"] | {"state": "ok"}
    assert put == made | {
        "url": hooks.url(),
        "format": "standard",
        "events": list(events_by_default()),
        "health": healthy,
    }
    assert list(fields_of(shop.call("PUT", path, json={"format": "rescue"}))) == ["Url"]


def test_a_disabled_endpoint_hears_nothing_until_it_is_active_again(
    shop: Caller, hooks: Receiver
) -> None:
    made = endpoint(shop, hooks.url(), events=["order.submitted"])
    path = f"/webhooks/{made['id']}"
    off = shop.call("PATCH", path, json={"state": "disabled"}).json()
    assert (off["state"], off["why"]) == ("disabled", "Switched off by the merchant.")
    shop.admit()
    publish(shop)
    assert hooks.got == []
    on = shop.call("PATCH", path, json={"state": "active"}).json()
    assert (on["state"], on["why"]) == ("active", None)
    shop.admit()
    publish(shop)
    assert hooks.events == ["order.submitted"]


def test_an_endpoint_that_a_410_disabled_is_taken_up_again(shop: Caller, hooks: Receiver) -> None:
    made = endpoint(shop, hooks.url(), events=["order.submitted"])
    hooks.answers = [410]
    shop.admit()
    publish(shop)
    assert shop.get(f"/webhooks/{made['id']}").json()["state"] == "disabled"
    kept = shop.call("PATCH", f"/webhooks/{made['id']}", json={"state": "disabled"}).json()
    assert "410" in kept["why"]
    shop.call("PATCH", f"/webhooks/{made['id']}", json={"state": "active"})
    shop.admit()
    publish(shop)
    assert len(hooks.got) == 2


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://hooks.merchant.example.com/"}, "Url"),
        ({"url": "https://u:p@a.example.com/"}, "Url"),
        ({"events": []}, "Events"),
        ({"events": ["order.nonsense"]}, "Events"),
        ({"events": "order.completed"}, "Events"),
        ({"events": [1]}, "Events"),
        ({"format": "xml"}, "Format"),
        ({"state": "deleted"}, "State"),
        ({"state": 1}, "State"),
    ],
)
def test_changes_that_are_wrong_name_the_field(
    shop: Caller, method: str, body: dict[str, Any], field: str
) -> None:
    made = endpoint(shop, "https://hooks.merchant.example.com/")
    with shop.door.nothing_written():
        body = {"url": made["url"]} | body
        assert field in fields_of(shop.call(method, f"/webhooks/{made['id']}", json=body))
    assert shop.get(f"/webhooks/{made['id']}").json() == made


def test_anothers_endpoint_is_neither_changed_nor_tried(
    shop: Caller, other: Caller, hooks: Receiver
) -> None:
    made = endpoint(shop, hooks.url())
    gone = endpoint(shop, hooks.url("/2"))
    shop.call("DELETE", f"/webhooks/{gone['id']}")
    with shop.door.nothing_written():
        for caller, which in ((other, made["id"]), (shop, UNKNOWN), (shop, "nonsense")):
            check_refused(
                caller.call("PATCH", f"/webhooks/{which}", json={"state": "disabled"}),
                404,
                "not_found",
            )
            check_refused(
                caller.call("PUT", f"/webhooks/{which}", json={"url": hooks.url()}),
                404,
                "not_found",
            )
            check_refused(caller.post(f"/webhooks/{which}/test", {}), 404, "not_found")
            check_refused(caller.get(f"/webhooks/{which}/deliveries"), 404, "not_found")
    assert hooks.got == []


# tried
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_sample_of_every_event_is_signed_and_in_its_shape(
    shop: Caller, hooks: Receiver, name: str
) -> None:
    made = endpoint(shop, hooks.url(), ownKey=True)
    with shop.door.nothing_written(but=("delivery_tries", "audit_lines")):
        told = shop.post(f"/webhooks/{made['id']}/test", {"event": name}).json()
    [got] = hooks.got
    signed_by_hand(made["signingKey"], got.headers, got.body)
    assert (got.event, got.json["IsTestMode"], got.json["ExternalOrderId"]) == (
        name,
        True,
        "SAMPLE",
    )
    own = {k: v for k, v in got.data.items() if k not in ("Mid", "SiteId", "Sequence", "EventId")}
    msgspec.convert(own, CATALOGUE[name].data)
    assert got.data["EventId"] == told["eventId"]
    assert (told["success"], told["status"], told["answer"], told["event"]) == (
        True,
        200,
        "ok",
        name,
    )


def test_a_sample_in_the_endpoints_own_format(shop: Caller, hooks: Receiver) -> None:
    made = endpoint(shop, hooks.url(), format="standard")
    assert shop.post(f"/webhooks/{made['id']}/test").json()["event"] == "order.completed"
    assert is_standard(made["signingKey"], hooks.got[0].headers, hooks.got[0].body)


@pytest.mark.parametrize("status", [201, 302, 404, 410, 500])
def test_whatever_the_receiver_says_is_told(shop: Caller, hooks: Receiver, status: int) -> None:
    made = endpoint(shop, hooks.url())
    hooks.answers = [status]
    told = shop.post(f"/webhooks/{made['id']}/test", {}).json()
    assert (told["status"], told["success"]) == (status, status == 201)
    assert shop.get(f"/webhooks/{made['id']}").json()["state"] == "active", (
        "a trial disables nothing"
    )


def test_an_unknown_event_is_400_and_names_those_there_are(shop: Caller, hooks: Receiver) -> None:
    made = endpoint(shop, hooks.url())
    for event in ("order.nonsense", 5, "x" * 65):
        answer = shop.post(f"/webhooks/{made['id']}/test", {"event": event})
        assert list(fields_of(answer)) == ["Event"]
    assert hooks.got == []


def test_a_disabled_endpoint_may_be_tried(shop: Caller, hooks: Receiver) -> None:
    made = endpoint(shop, hooks.url())
    shop.call("PATCH", f"/webhooks/{made['id']}", json={"state": "disabled"})
    assert shop.post(f"/webhooks/{made['id']}/test", {}).json()["success"] is True


def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}/"


@pytest.mark.parametrize(
    "answer", [None, b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 20_000 + b"\r\n\r\n"]
)
def test_a_receiver_that_cannot_be_reached_or_understood_is_502(
    shop: Caller, hooks: Receiver, answer: bytes | None
) -> None:
    made = endpoint(shop, nobody() if answer is None else hooks.url())
    hooks.answers = [answer] if answer is not None else []
    told = shop.call("POST", f"/webhooks/{made['id']}/test", json={}, allow_5xx=True)
    assert "receiver" in check_refused(told, 502, "bad_gateway")["result"]


def test_a_receiver_that_stays_silent_is_504(door: Door, shop: Caller, hooks: Receiver) -> None:
    policy = replace(door.world.policy, webhook_timeout=timedelta(seconds=0.2))
    impatient = another(door, world=replace(door.world, policy=policy))
    made = endpoint(shop, hooks.url())
    hooks.holding = asyncio.Event()
    told = impatient.call(
        "POST", f"/v1/webhooks/{made['id']}/test", headers=shop.headers, json={}, allow_5xx=True
    )
    hooks.holding.set()
    impatient.close()
    assert "in time" in check_refused(told, 504, "gateway_timeout")["result"]
    assert len(hooks.got) == 1


def test_a_sample_says_plausible_things() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    refunded = sample_data("order.refunded", at)
    assert refunded["RefundAmount"] + refunded["RefundableAmount"] == refunded["Amount"]
    assert sample_data("order.cancelled", at)["Status"] == "CANCELLED"


# what was sent
# ------------------------------------------------------------------------------------------------


def test_tries_are_told_newest_first_and_in_pages(shop: Caller, hooks: Receiver) -> None:
    made = endpoint(shop, hooks.url(), events=["order.submitted"])
    path = f"/webhooks/{made['id']}/deliveries"
    assert shop.get(path).json() == {"data": [], "next": None, "success": True}
    hooks.answers = [500]
    orders = []
    for _ in range(5):
        orders.append(shop.admit())
        publish(shop)
    told = shop.get(path).json()
    assert [one["orderId"] for one in told["data"]] == orders[::-1]
    assert told["next"] is None
    first = told["data"][-1]
    assert (first["event"], first["status"], first["result"], first["attempt"]) == (
        "order.submitted",
        500,
        "failed",
        1,
    )
    assert first["externalOrderId"] == shop.order(orders[0])["externalOrderId"]
    assert {one["result"] for one in told["data"][:-1]} == {"delivered"}
    found, before = [], None
    while True:
        page = shop.get(path, params={"limit": 2} | ({"before": before} if before else {})).json()
        found += page["data"]
        before = page["next"]
        if before is None:
            break
    assert found == told["data"]


def test_another_endpoints_tries_are_not_told(shop: Caller, hooks: Receiver) -> None:
    first = endpoint(shop, hooks.url("/1"), events=["order.submitted"])
    second = endpoint(shop, hooks.url("/2"), events=["order.completed"])
    shop.admit()
    publish(shop)
    assert len(shop.get(f"/webhooks/{first['id']}/deliveries").json()["data"]) == 1
    assert shop.get(f"/webhooks/{second['id']}/deliveries").json()["data"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "Limit"), ("limit=201", "Limit"), ("limit=x", "Limit"), ("before=x", "Before")],
)
def test_pages_that_cannot_be_asked_for(shop: Caller, query: str, field: str) -> None:
    made = endpoint(shop, "https://hooks.merchant.example.com/")
    assert list(fields_of(shop.get(f"/webhooks/{made['id']}/deliveries?{query}"))) == [field]
