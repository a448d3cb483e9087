"""GET /v1/events: every event by its number; a consumer that lost everything has the server's state
again.

Source: contract §17.1; seed 004 (outcome by webhook or by asking).
"""

import random
from datetime import timedelta
from typing import Any

from tests.door import APPROVES, FUNDS, GONE, HARD, Caller, Door
from tests.receiver import Receiver, receiving
from tests.rescue_shapes import check_refused, fields_of
from tests.rings import each
from tests.webhooks.api.consumer import Consumer, as_told

from recoup.orders.rules.events import CATALOGUE

AT_ONCE = {"expiryDateUtc": GONE, "transaction__responseCode": "91"}


def feed(shop: Caller, **query: Any) -> dict[str, Any]:
    answer = shop.get("/events", params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def publish(shop: Caller) -> None:
    shop.door.run(shop.shop.publish())


def orders_of(shop: Caller) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for number in range(1, 100):
        page = shop.get("/orders", params={"pageSize": 100, "pageNumber": number}).json()["orders"]
        found |= {one["orderId"]: as_told(one) for one in page["data"]}
        if not page["hasNextPage"]:
            return found
    raise AssertionError("more orders than expected")


def test_the_feed_is_what_webhooks_say_with_a_number(shop: Caller, door: Door) -> None:
    with receiving(door) as hooks:
        shop.post("/webhooks", {"url": hooks.url(), "events": list(CATALOGUE)})
        order_id = shop.admit(**AT_ONCE)
        shop.refund(order_id, {"amountToRefund": 5})
        publish(shop)
        page = feed(shop)
        assert [one["Number"] for one in page["data"]] == list(range(1, len(page["data"]) + 1))
        assert (page["next"], page["hasMore"]) == (str(len(page["data"])), False)
        told = [got.json for got in hooks.got]
        assert [{k: v for k, v in one.items() if k != "Number"} for one in page["data"]] == told
        assert [one["EventData"]["Sequence"] for one in page["data"]] == sorted(
            one["EventData"]["Sequence"] for one in page["data"]
        )


def test_pages_go_on_where_the_last_one_ended(shop: Caller) -> None:
    assert feed(shop) == {"data": [], "next": "0", "hasMore": False, "success": True}
    for _ in range(3):
        shop.admit(**AT_ONCE)
    publish(shop)
    numbers, after = [], "0"
    for _ in range(20):
        page = feed(shop, after=after, limit=2)
        numbers += [one["Number"] for one in page["data"]]
        after = page["next"]
        assert page["hasMore"] == (len(page["data"]) == 2 and numbers[-1] < 6)
        if not page["hasMore"]:
            break
    assert numbers == list(range(1, 7))
    assert feed(shop, after=after)["data"] == []
    shop.admit(**AT_ONCE)
    publish(shop)
    assert [one["Number"] for one in feed(shop, after=after)["data"]] == [7, 8]


def test_only_some_events(shop: Caller) -> None:
    shop.admit(**AT_ONCE)
    shop.evaluate(**AT_ONCE, paymentMethod__cardNumber=HARD)
    publish(shop)
    page = feed(shop, event="order.cancelled")
    assert [one["Event"] for one in page["data"]] == ["order.cancelled"]
    assert page["hasMore"] is False
    both = feed(shop, event=["order.cancelled", "order.completed"])
    assert {one["Event"] for one in both["data"]} == {"order.cancelled", "order.completed"}
    assert both["next"] == page["next"] == str(len(feed(shop)["data"]))


@each(
    "query",
    [
        {"after": "x"},
        {"after": "-1"},
        {"after": "99999999999999"},
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "ten"},
        {"event": "order.eaten"},
        {"after": "1"},
        {"before": "1"},
        {"after": "1e3"},
    ],
)
def test_what_cannot_be_read_names_the_parameter(
    shop: Caller, door: Door, query: dict[str, str]
) -> None:
    with door.nothing_written():
        fields = fields_of(shop.get("/events", params=query))
    name = next(iter(query))
    assert [field.lower() for field in fields] == ["query" if name == "before" else name]


def test_another_merchants_feed_is_its_own(shop: Caller, other: Caller) -> None:
    other.admit(**AT_ONCE)
    publish(other)
    assert feed(shop)["data"] == []
    assert {one["EventData"]["Mid"] for one in feed(other)["data"]} == {other.mid}
    check_refused(shop.door.call("GET", "/v1/events"), 401, "unauthenticated")


# the state of every order from events alone
# ---------------------------------------------------------------------


def live(shop: Caller, chance: random.Random) -> None:
    """One thing that a merchant, its customers or the outside world do; some of it is refused."""
    order_ids = list(orders_of(shop))
    pick = chance.choice(order_ids) if order_ids else None
    match chance.randrange(8):
        case 0 | 1:
            shop.evaluate(paymentMethod__cardNumber=chance.choice([FUNDS, HARD, APPROVES]))
        case 2:
            shop.evaluate(**AT_ONCE)
        case 3 if pick:
            shop.post(f"/orders/{pick}/cancel", headers={"x-any": "1"})
        case 4 if pick:
            shop.refund(pick, {"amountToRefund": chance.choice([1, 5.5, 45.9])})
        case 5 if pick:
            shop.call("PATCH", f"/orders/{pick}", json={"doNotRetry": chance.choice([True, False])})
        case 6 if pick:
            later = (shop.door.run(shop.shop.now()) + timedelta(days=15)).isoformat()
            changed = {"expiryDateUtc": later, "metadata": {"a": str(chance.random())}}
            shop.call("PATCH", f"/orders/{pick}", json=changed)
        case _:
            shop.advance(days=chance.choice([1, 9]))


@each("seed", range(6))
def test_a_consumer_that_lost_a_third_has_the_servers_state_again(door: Door, seed: int) -> None:
    shop, chance, consumer = door.shop(), random.Random(seed), Consumer()
    with receiving(door) as hooks:
        shop.post("/webhooks", {"url": hooks.url(), "events": list(CATALOGUE)})
        for _ in range(14):
            live(shop, chance)
        publish(shop)
        deliver_badly(consumer, hooks, chance)
        consumer.catch_up(lambda query: feed(shop, **query))
        live(shop, chance)
        publish(shop)
        consumer.catch_up(lambda query: feed(shop, **query))
    orders = orders_of(shop)
    assert {order_id: consumer.state_of(order_id) for order_id in consumer.states} == orders
    anew = Consumer()
    anew.catch_up(lambda query: feed(shop, **query))
    assert anew.states == consumer.states, "from the first event, with nothing else known"


def deliver_badly(consumer: Consumer, hooks: Receiver, chance: random.Random) -> None:
    """Three in ten are lost, three in ten come twice, and all of them in any order."""
    came = [got.json for got in hooks.got if chance.random() >= 0.3]
    came += [event for event in came if chance.random() < 0.3]
    chance.shuffle(came)
    for event in came:
        consumer.take(event)
