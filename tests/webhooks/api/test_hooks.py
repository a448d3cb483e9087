"""Webhooks that break, keys that are replaced, events that are sent again.

Source: contract §14.4, §14.5; decision 0028.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.door import GONE, Caller, Door
from tests.partner import make_one
from tests.partners.api.test_partner import developer
from tests.receiver import Delivery, Receiver, is_standard, receiving
from tests.rescue_shapes import check_refused, fields_of

from recoup.orders.rules.events import CATALOGUE
from recoup.orders.rules.pace import BEGIN
from recoup.orders.rules.signature import verify
from recoup.webhooks.flows.deliver import Deliveries
from recoup.webhooks.flows.endpoints import update
from recoup.webhooks.flows.publish import publish as publish_of
from recoup.webhooks.flows.replay import RANGE_FIELDS
from recoup.webhooks.rules.breaker import FAILURES_TO_OPEN

AT_ONCE = {"expiryDateUtc": GONE, "transaction__responseCode": "91"}


@pytest.fixture
def hooks(door: Door) -> Iterator[Receiver]:
    with receiving(door) as receiver:
        yield receiver


def publish(shop: Caller) -> None:
    shop.door.run(shop.shop.publish())


def subscribe(shop: Caller, url: str, **more: Any) -> dict[str, Any]:
    answer = shop.post("/webhooks", {"url": url, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def read(shop: Caller, made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = shop.get(f"/webhooks/{made['id']}").json()
    return found


def lanes(shop: Caller, **set_: str) -> None:
    text = ", ".join(f"{name} = {value}" for name, value in set_.items())
    shop.door.sql(f"UPDATE lanes SET {text} WHERE merchant_id = $1", shop.shop.merchant_id)


def probe_now(shop: Caller) -> None:
    shop.door.sql(
        "UPDATE endpoints SET probe_at = now() - interval '1 second' WHERE merchant_id = $1 AND "
        "probe_at > now()",
        shop.shop.merchant_id,
    )
    publish(shop)


def fails_until_open(shop: Caller, hooks: Receiver) -> int:
    """Answers how many posts it took."""
    hooks.answers = [500] * 200
    for _ in range(FAILURES_TO_OPEN + 3):
        shop.admit(**AT_ONCE)
    publish(shop)
    return len(hooks.got)


# the breaker
# --------------------------------------------------------------------------------------------------


def test_a_dead_endpoint_is_only_probed_and_catches_up_when_it_is_back(
    shop: Caller, hooks: Receiver
) -> None:
    made = subscribe(shop, hooks.url(), events=["order.submitted", "order.completed"])
    assert made["health"] == {
        "state": "new",
        "since": None,
        "failures": 0,
        "lastError": None,
        "nextTryAt": None,
        "waitingEvents": 0,
    }
    posts = fails_until_open(shop, hooks)
    assert FAILURES_TO_OPEN <= posts <= FAILURES_TO_OPEN + BEGIN
    health = read(shop, made)["health"]
    assert (health["state"], health["failures"], health["lastError"]) == ("open", posts, "HTTP 500")
    assert health["waitingEvents"] == 2 * (FAILURES_TO_OPEN + 3)
    assert health["since"] < health["nextTryAt"]
    lanes(shop, due_at="now() - interval '1 second'")
    publish(shop)
    assert len(hooks.got) == posts, "nothing before the next probe"
    for number in range(1, 4):
        probe_now(shop)
        assert len(hooks.got) == posts + number, "one probe at a time"
    probed = [got.json["OrderId"] for got in hooks.got[posts:]]
    assert len(set(probed)) == 3, (
        "in turn, so that an event that breaks the receiver is not the only one"
    )
    hooks.answers = []
    probe_now(shop)
    assert read(shop, made)["health"] == made["health"] | {"state": "ok"}
    told: dict[str, list[str]] = {}
    for got in hooks.got:
        told.setdefault(got.json["OrderId"], []).append(got.event)
    assert len(told) == FAILURES_TO_OPEN + 3
    for events in told.values():
        assert events[-2:] == ["order.submitted", "order.completed"]
        assert events.count("order.completed") == 1


def test_a_new_address_begins_in_good_health(shop: Caller, hooks: Receiver) -> None:
    made = subscribe(shop, hooks.url("/old"), events=["order.completed"])
    fails_until_open(shop, hooks)
    hooks.answers = []
    changed = shop.call("PATCH", f"/webhooks/{made['id']}", json={"url": hooks.url("/new")}).json()
    assert changed["health"]["state"] == "ok"
    lanes(shop, due_at="now() - interval '1 second'")
    publish(shop)
    assert read(shop, made)["health"]["waitingEvents"] == 0


def test_what_the_old_address_answers_does_not_switch_off_the_new_one(
    shop: Caller, hooks: Receiver
) -> None:
    """A merchant moves because the old one is gone, while a delivery to it is under way."""
    made = subscribe(shop, hooks.url("/old"), events=["order.completed"])
    shop.admit(**AT_ONCE)

    async def story() -> None:
        hooks.answers, hooks.holding = [410], asyncio.Event()
        deliveries = Deliveries(shop.door.world)
        await publish_of(shop.door.world, shop.shop.merchant_id)
        await deliveries.claim(merchant_id=shop.shop.merchant_id)
        while not hooks.got:  # noqa: ASYNC110 - the receiver tells nobody
            await asyncio.sleep(0.01)
        await update(shop.door.world, shop.shop.scope, UUID(made["id"]), url=hooks.url("/new"))
        hooks.holding.set()
        await deliveries.drain()

    shop.door.run(story())
    assert read(shop, made)["state"] == "active"
    publish(shop)
    assert [got.line.split()[1] for got in hooks.got] == ["/old", "/new"]


def test_an_endpoint_that_nobody_answers_for_weeks_is_switched_off(
    shop: Caller, hooks: Receiver
) -> None:
    made = subscribe(shop, hooks.url(), events=["order.completed"])
    fails_until_open(shop, hooks)
    weeks = (
        "UPDATE endpoints SET opened_at = opened_at - interval '14 days', probes = 100 WHERE "
        "merchant_id = $1"
    )
    shop.door.sql(weeks, shop.shop.merchant_id)
    probe_now(shop)
    found = read(shop, made)
    assert (found["state"], found["why"]) == ("disabled", "Nothing was taken for 14 days.")
    assert not shop.door.sql("SELECT 1 FROM lanes WHERE merchant_id = $1", shop.shop.merchant_id)
    on = shop.call("PATCH", f"/webhooks/{made['id']}", json={"state": "active"}).json()
    assert (on["state"], on["health"]["state"]) == ("active", "ok")


def test_a_silent_endpoint_slows_no_other(shop: Caller, door: Door, hooks: Receiver) -> None:
    """Counted, not timed: while one receiver holds back every answer, the other has had all of its
    events."""
    with receiving(door) as silent:
        subscribe(shop, silent.url(), events=["order.completed"])
        subscribe(shop, hooks.url(), events=["order.completed"])
        orders = {shop.admit(**AT_ONCE) for _ in range(30)}
        silent.holding = asyncio.Event()

        async def story() -> None:
            going = asyncio.create_task(_deliver_all(shop))
            for _ in range(1500):
                if len(hooks.got) == len(orders):
                    break
                await asyncio.sleep(0.01)
            assert {got.json["OrderId"] for got in hooks.got} == orders
            assert len(silent.got) <= BEGIN, "it has no more places than it showed to deserve"
            assert silent.holding is not None
            silent.holding.set()
            await going

        door.run(story())
        assert {got.json["OrderId"] for got in silent.got} == orders


async def _deliver_all(shop: Caller) -> None:
    from recoup.webhooks.flows.publish import publish as feed

    await feed(shop.door.world, shop.shop.merchant_id)
    deliveries = shop.door.deliveries
    for _ in range(400):
        if not await deliveries.claim(merchant_id=shop.shop.merchant_id) and not deliveries._out:
            return
        await asyncio.sleep(0.005)


# keys
# --------------------------------------------------------------------------------------------------


def signed_with(key: str, got: Delivery) -> bool:
    return verify(key, got.headers["host"], got.headers, got.body, now=datetime.now(UTC))


def test_a_replaced_key_stays_good_until_the_receiver_knows_the_new_one(
    shop: Caller, hooks: Receiver
) -> None:
    made = subscribe(shop, hooks.url(), events=["order.completed"], ownKey=True)
    changed = shop.post(f"/webhooks/{made['id']}/rotate", {"overlapHours": 2}).json()
    assert changed["signingKey"] != made["signingKey"]
    until = datetime.fromisoformat(changed["previousKeyUntil"])
    assert timedelta(hours=1.9) < until - datetime.now(UTC) < timedelta(hours=2.1)
    shop.admit(**AT_ONCE)
    publish(shop)
    assert signed_with(made["signingKey"], hooks.got[-1]), "its receiver has not been told yet"
    hooks.answers = [401]  # now it checks with the new key
    shop.admit(**AT_ONCE)
    publish(shop)
    assert len(hooks.got) == 3
    assert signed_with(made["signingKey"], hooks.got[1])
    assert signed_with(changed["signingKey"], hooks.got[2])
    assert hooks.got[1].body == hooks.got[2].body
    shop.admit(**AT_ONCE)
    publish(shop)
    assert signed_with(changed["signingKey"], hooks.got[3])
    assert len(hooks.got) == 4, "and stays with it"
    [last] = shop.get(f"/webhooks/{made['id']}/deliveries", params={"limit": 1}).json()["data"]
    assert (last["result"], last["attempt"]) == ("delivered", 1)


def test_the_old_key_ends(shop: Caller, hooks: Receiver) -> None:
    made = subscribe(shop, hooks.url(), events=["order.completed"], ownKey=True)
    first = shop.post(f"/webhooks/{made['id']}/rotate").json()
    check_refused(shop.post(f"/webhooks/{made['id']}/rotate", {"overlapHours": 1}), 409, "conflict")
    shop.door.sql(
        "UPDATE endpoints SET previous_until = now() - interval '1 second' WHERE merchant_id = $1",
        shop.shop.merchant_id,
    )
    assert read(shop, made)["previousKeyUntil"] is None
    shop.admit(**AT_ONCE)
    publish(shop)
    assert signed_with(first["signingKey"], hooks.got[-1])
    second = shop.post(f"/webhooks/{made['id']}/rotate", {"overlapHours": 0}).json()
    assert second["previousKeyUntil"] is None
    shop.admit(**AT_ONCE)
    publish(shop)
    assert signed_with(second["signingKey"], hooks.got[-1])


def test_the_standard_format_carries_both(shop: Caller, hooks: Receiver) -> None:
    made = subscribe(shop, hooks.url(), events=["order.completed"], format="standard")
    changed = shop.post(f"/webhooks/{made['id']}/rotate").json()
    assert (made["ownKey"], changed["ownKey"]) == (False, True)
    assert made["signingKey"] == shop.shop.webhook_key
    shop.admit(**AT_ONCE)
    publish(shop)
    [got] = hooks.got
    assert len(got.headers["webhook-signature"].split(" ")) == 2
    for key in (made["signingKey"], changed["signingKey"]):
        assert is_standard(key, got.headers, got.body)


def test_the_merchants_key_is_replaced_for_all_that_share_it(shop: Caller, hooks: Receiver) -> None:
    shared = subscribe(shop, hooks.url("/shared"), events=["order.completed"])
    own = subscribe(shop, hooks.url("/own"), events=["order.completed"], ownKey=True)
    changed = shop.post("/webhooks/rotate", {"overlapHours": 1}).json()
    assert read(shop, shared)["signingKey"] == changed["signingKey"] != shared["signingKey"]
    assert read(shop, shared)["previousKeyUntil"] == changed["previousKeyUntil"]
    assert read(shop, own)["signingKey"] == own["signingKey"]
    check_refused(shop.post("/webhooks/rotate"), 409, "conflict")
    shop.admit(**AT_ONCE)
    publish(shop)
    by_path = {got.line.split()[1]: got for got in hooks.got}
    assert signed_with(shared["signingKey"], by_path["/shared"])
    assert signed_with(own["signingKey"], by_path["/own"])
    assert shop.post("/webhooks/rotate", {"overlapHours": 0}).json()["previousKeyUntil"] is None
    shop.admit(**AT_ONCE)
    publish(shop)
    newest = next(got for got in hooks.got[::-1] if "/shared" in got.line)
    assert signed_with(read(shop, shared)["signingKey"], newest)


@pytest.mark.parametrize(
    "body",
    [{"overlapHours": -1}, {"overlapHours": 169}, {"overlapHours": "2h"}, {"overlapHours": 1.5}],
)
def test_overlaps_that_cannot_be(shop: Caller, door: Door, body: dict[str, Any]) -> None:
    made = subscribe(shop, "https://hooks.merchant.example.com/")
    with door.nothing_written():
        for path in (f"/webhooks/{made['id']}/rotate", "/webhooks/rotate"):
            assert list(fields_of(shop.post(path, body))) == ["OverlapHours"]


# events once more
# -----------------------------------------------------------------------------------------------


def replay(shop: Caller, made: dict[str, Any], **body: Any) -> dict[str, Any]:
    answer = shop.post(f"/webhooks/{made['id']}/replay", body)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    shop.door.run(shop.shop.run_due())
    publish(shop)
    return told


def test_a_range_is_sent_again_in_order_and_marked(shop: Caller, hooks: Receiver) -> None:
    made = subscribe(shop, hooks.url(), events=list(CATALOGUE))
    orders = [shop.admit(**AT_ONCE) for _ in range(3)]
    shop.refund(orders[0], {"amountToRefund": 5})
    publish(shop)
    before = list(hooks.got)
    assert len(before) == 7
    told = replay(shop, made, fromNumber=2, toNumber=6, idempotencyKey="once")
    again = hooks.got[len(before) :]
    feed = [one for one in shop.get("/events").json()["data"] if 2 <= one["Number"] <= 6]
    assert {got.data["EventId"] for got in again} == {one["EventData"]["EventId"] for one in feed}
    assert len(again) == 5
    assert all(got.json["IsResent"] for got in again)
    assert not any(got.json["IsResent"] for got in before)
    for order_id in orders:
        numbers = [got.data["Sequence"] for got in again if got.json["OrderId"] == order_id]
        assert numbers == sorted(numbers)
    [listed] = shop.get(f"/webhooks/{made['id']}/replays").json()["data"]
    assert (listed["id"], listed["state"], listed["found"], listed["ordersLeft"]) == (
        told["id"],
        "done",
        5,
        0,
    )
    assert listed["asked"] == dict.fromkeys(RANGE_FIELDS) | {"fromNumber": 2, "toNumber": 6}
    repeated = replay(shop, made, fromNumber=2, toNumber=6, idempotencyKey="once")
    assert (repeated["id"], repeated["state"]) == (told["id"], "done")
    assert len(hooks.got) == len(before) + 5, "the same replay, not another one"
    other = shop.post(f"/webhooks/{made['id']}/replay", {"fromNumber": 3, "idempotencyKey": "once"})
    check_refused(other, 409, "conflict")


def test_what_is_new_comes_after_what_is_sent_again(shop: Caller, hooks: Receiver) -> None:
    made = subscribe(shop, hooks.url(), events=list(CATALOGUE))
    order_id = shop.admit(**AT_ONCE)
    publish(shop)
    assert shop.post(f"/webhooks/{made['id']}/replay", {"fromNumber": 1}).status_code == 202
    shop.door.run(shop.shop.run_due())
    shop.refund(order_id, {"amountToRefund": 5})
    publish(shop)
    assert [(got.event, got.json["IsResent"]) for got in hooks.got] == [
        ("order.submitted", False),
        ("order.completed", False),
        ("order.submitted", True),
        ("order.completed", True),
        ("order.refunded", False),
    ]


def test_what_was_not_delivered_yet_is_not_sent_twice(shop: Caller, hooks: Receiver) -> None:
    made = subscribe(shop, hooks.url(), events=list(CATALOGUE))
    hooks.answers = [500]
    shop.admit(**AT_ONCE)
    publish(shop)
    replay(shop, made, fromNumber=1)
    lanes(shop, due_at="now() - interval '1 second'")
    publish(shop)
    assert [(got.event, got.json["IsResent"]) for got in hooks.got] == [
        ("order.submitted", False),
        ("order.submitted", False),
        ("order.completed", False),
    ]


def test_a_replay_waits_for_the_one_before(shop: Caller, hooks: Receiver) -> None:
    made = subscribe(shop, hooks.url(), events=list(CATALOGUE))
    shop.admit(**AT_ONCE)
    publish(shop)
    first = shop.post(f"/webhooks/{made['id']}/replay", {"fromNumber": 1}).json()
    assert first["state"] == "opening"
    check_refused(shop.post(f"/webhooks/{made['id']}/replay", {"fromNumber": 1}), 409, "conflict")
    shop.door.run(shop.shop.run_due())
    check_refused(shop.post(f"/webhooks/{made['id']}/replay", {"fromNumber": 1}), 409, "conflict")
    publish(shop)
    assert shop.post(f"/webhooks/{made['id']}/replay", {"fromNumber": 1}).status_code == 202


def test_by_time_and_by_name(shop: Caller, hooks: Receiver) -> None:
    made = subscribe(shop, hooks.url(), events=["order.completed", "order.submitted"])
    shop.admit(**AT_ONCE)
    shop.advance(days=2)
    later = shop.door.run(shop.shop.now())
    second = shop.admit(**AT_ONCE)
    publish(shop)
    hooks.got.clear()
    replay(shop, made, since=(later - timedelta(hours=1)).isoformat(), events=["order.completed"])
    assert [(got.event, got.json["OrderId"]) for got in hooks.got] == [("order.completed", second)]
    replay(shop, made, until=(later - timedelta(hours=1)).isoformat())
    assert [got.event for got in hooks.got[1:]] == ["order.submitted", "order.completed"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"fromNumber": 0}, "FromNumber"),
        ({"fromNumber": "first"}, "FromNumber"),
        ({"fromNumber": 99}, "FromNumber"),
        ({"fromNumber": 2, "toNumber": 1}, "ToNumber"),
        ({"since": "yesterday"}, "Since"),
        ({"events": []}, "Events"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "Until"),
        ({"events": "all"}, "Events"),
        ({"events": ["order.onhold"]}, "Events"),
        ({}, "FromNumber"),
        ({"idempotencyKey": "x" * 129}, "IdempotencyKey"),
    ],
)
def test_replays_that_cannot_be_name_the_field(
    shop: Caller, door: Door, body: dict[str, Any], field: str
) -> None:
    made = subscribe(shop, "https://hooks.merchant.example.com/", events=["order.completed"])
    shop.shop  # noqa: B018
    shop.admit(**AT_ONCE)
    publish_only(shop)
    with door.nothing_written():
        assert field in fields_of(shop.post(f"/webhooks/{made['id']}/replay", body))


def publish_only(shop: Caller) -> None:
    from recoup.webhooks.flows.publish import publish as feed

    shop.door.run(feed(shop.door.world, shop.shop.merchant_id))


def test_foreign_and_disabled_endpoints(shop: Caller, other: Caller, door: Door) -> None:
    made = subscribe(shop, "https://hooks.merchant.example.com/")
    with door.nothing_written():
        for word, body in (("rotate", {}), ("replay", {"fromNumber": 1})):
            check_refused(other.post(f"/webhooks/{made['id']}/{word}", body), 404, "not_found")
        check_refused(other.get(f"/webhooks/{made['id']}/replays"), 404, "not_found")
    shop.call("PATCH", f"/webhooks/{made['id']}", json={"state": "disabled"})
    check_refused(
        shop.post(f"/webhooks/{made['id']}/replay", {"fromNumber": 1}), 409, "wrong_state"
    )


# partners
# --------------------------------------------------------------------------------------------------


def test_a_partner_hears_of_all_its_merchants_and_of_no_other(door: Door, hooks: Receiver) -> None:
    partner, rival = make_one(door), make_one(door)
    merchants = [developer(door, partner.merchant(name=name)) for name in ("Tea", "Coffee")]
    stranger = developer(door, rival.merchant())
    made = partner.post(
        "/partner/webhooks", {"url": hooks.url(), "events": ["order.completed"]}
    ).json()
    assert made["ownKey"] is True
    for caller in (*merchants, stranger):
        caller.admit(**AT_ONCE)
        publish(caller)
    assert {got.data["Mid"] for got in hooks.got} == {caller.mid for caller in merchants}
    assert all(signed_with(made["signingKey"], got) for got in hooks.got)
    page = partner.get("/events").json()
    assert [one["Number"] for one in page["data"]] == [1, 2, 3, 4]
    assert {one["EventData"]["Mid"] for one in page["data"]} == {caller.mid for caller in merchants}
    assert partner.get("/events", params={"after": page["next"]}).json()["data"] == []
    hooks.got.clear()
    again = partner.post(f"/partner/webhooks/{made['id']}/replay", {"fromNumber": 3})
    assert again.status_code == 202, again.text
    for caller in merchants:
        door.run(caller.shop.run_due())
        publish(caller)
    assert [got.data["Mid"] for got in hooks.got] == [merchants[1].mid]
    assert hooks.got[0].json["IsResent"] is True
    assert (
        partner.get(f"/partner/webhooks/{made['id']}/replays").json()["data"][0]["state"] == "done"
    )
    changed = partner.post(f"/partner/webhooks/{made['id']}/rotate").json()
    assert changed["signingKey"] != made["signingKey"]
    with door.nothing_written():
        for caller in (rival, *merchants):
            path = "/partner/webhooks" if caller is rival else "/webhooks"
            check_refused(caller.get(f"{path}/{made['id']}"), 404, "not_found")
        check_refused(merchants[0].get("/partner/webhooks"), 403, "forbidden")
        check_refused(partner.get("/webhooks"), 403, "forbidden")


def test_a_partners_sample_and_its_formats(door: Door, hooks: Receiver) -> None:
    partner = make_one(door)
    with door.nothing_written():
        body = {"url": hooks.url(), "format": "stablecoin"}
        assert list(fields_of(partner.post("/partner/webhooks", body))) == ["Format"]
    made = partner.post("/partner/webhooks", {"url": hooks.url()}).json()
    assert partner.post(f"/partner/webhooks/{made['id']}/test", {}).json()["success"] is True
    [tried] = partner.get(f"/partner/webhooks/{made['id']}/deliveries").json()["data"]
    assert tried["isSample"] is True
    assert partner.call("DELETE", f"/partner/webhooks/{made['id']}").status_code == 204
