"""GET /orders/{id}?asOf=…: the order as it stood, equal to what was read when it stood so."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.door import GONE, HARD, UNKNOWN, Caller, Door, opened_door
from tests.rings import deep, draw, each

from recoup.db.server import ServerAddress
from recoup.networks.magic import DISPUTE_CARDS, script_card
from recoup.networks.magic_disputes import DISPUTES
from recoup.parts.flows import set_part_terms
from recoup.refunds.moves.elsewhere import failed_since

ONCE = script_card("visa", "51", 1)
TWICE = script_card("visa", "51", 2)


@pytest.fixture
def world(server: ServerAddress) -> Iterator[Door]:
    with opened_door(server) as door:
        yield door


def read(shop: Caller, order_id: str, query: str = "") -> dict[str, Any]:
    answer = shop.get(f"/orders/{order_id}{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def line(shop: Caller, order_id: str) -> tuple[int, datetime, datetime]:
    """The newest: number, business time, time of recording."""
    sql = (
        "SELECT seq, business_at, recorded_at FROM order_log WHERE order_id = $1 ORDER BY seq "
        "DESC LIMIT 1"
    )
    [row] = shop.door.sql(sql, UUID(order_id))
    return row["seq"], row["business_at"], row["recorded_at"]


def z(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def act(shop: Caller, order_id: str, rng: random.Random) -> None:
    """Something that may happen to an order; what is not possible now is refused, which is a step
    too."""
    what = rng.choice(
        ["advance", "advance", "advance", "stop", "resume", "refund", "move", "cancel", "notes"]
    )
    if what == "advance":
        shop.advance(hours=rng.choice([1, 20, 50, 100]))
    elif what in ("stop", "resume"):
        shop.call("PATCH", f"/orders/{order_id}", json={"doNotRetry": what == "stop"})
    elif what == "refund":
        shop.refund(
            order_id,
            {"amountToRefund": rng.choice([1, 7, 15]), "idempotencyKey": str(rng.random())},
        )
    elif what == "move":
        until = (shop.door.run(shop.shop.now()) + timedelta(days=rng.choice([15, 20]))).isoformat()
        shop.call("PATCH", f"/orders/{order_id}", json={"expiryDateUtc": until})
    elif what == "notes":
        shop.call("PATCH", f"/orders/{order_id}", json={"metadata": {"n": str(rng.random())}})
    elif rng.random() < 0.2:
        shop.post(f"/orders/{order_id}/cancel", {})


CARDS = {
    "declined twice, then paid": {"paymentMethod__cardNumber": TWICE},
    "always declined": {"paymentMethod__cardNumber": script_card("visa", "51", 99)},
    "hard decline": {"paymentMethod__cardNumber": HARD},
    "disputed": {
        "paymentMethod__cardNumber": DISPUTE_CARDS["visa"],
        "transaction__amount": min(DISPUTES),
    },
    "paid at once": {},
}


@deep("properties")
@each("seed", draw("properties", range(3), 1, label="order past"))
@each("kind", sorted(CARDS))
def test_each_moment_reads_as_it_was_read_live(world: Door, kind: str, seed: int) -> None:
    rng, shop = random.Random(f"{kind}/{seed}"), world.shop()
    order_id = shop.admit(**CARDS[kind])
    seen: list[tuple[tuple[int, datetime, datetime], dict[str, Any]]] = []
    for _ in range(14):
        seen.append((line(shop, order_id), read(shop, order_id)))
        act(shop, order_id, rng)
    moved = notes = False
    for (version, at, recorded), live in reversed(seen):
        sql = "SELECT seq, happening FROM order_log WHERE order_id = $1"
        lines = [
            (row["seq"] > version, row["happening"]) for row in shop.door.sql(sql, UUID(order_id))
        ]
        moved, notes = (True, "expiry_moved") in lines, (True, "notes_changed") in lines
        before = (False, "expiry_moved") in lines
        wanted = live | {
            "disputes": [one | {"compellingEvidence": None} for one in live["disputes"]]
        }
        if moved and not before:
            wanted["expiryDate"] = None  # nothing says what it was
        if notes:
            wanted["metadata"] = {}
        for query in (f"asOfVersion={version}", f"asOf={z(at)}", f"asOfRecorded={z(recorded)}"):
            then = read(shop, order_id, f"?{query}")
            assert then.pop("asOf")["version"] >= version, query
            if query.startswith("asOfVersion"):
                assert then == wanted, (
                    query,
                    {k: (then[k], wanted[k]) for k in wanted if then[k] != wanted[k]},
                )


def test_before_it_ended_with_a_part_an_order_was_for_all_of_it(world: Door) -> None:
    shop = world.shop()
    terms = {"enabled": True, "count_max": 1, "at_expiry": "keep"}
    world.run(set_part_terms(shop.shop.world, shop.shop.scope, terms))
    order_id = shop.admit(paymentMethod__cardNumber=ONCE)
    happened = world.run(shop.shop.happenings(UUID(order_id)))
    while "part_collected" not in happened:
        assert len(happened) < 60
        shop.advance(hours=24)
        happened = world.run(shop.shop.happenings(UUID(order_id)))
    (version, at, _), live = line(shop, order_id), read(shop, order_id)
    shop.call("PATCH", f"/orders/{order_id}", json={"doNotRetry": True})
    shop.advance(hours=24 * 45)
    shop.advance(hours=1)
    ended = read(shop, order_id)
    assert ended["amount"] < live["amount"], (ended, version)
    then = read(shop, order_id, f"?asOf={z(at)}")
    assert (then["amount"], then["status"]) == (live["amount"], live["status"])


def test_a_refund_that_came_back_has_failed_and_its_past_says_when(world: Door) -> None:
    """What stands for it waits for a person, then and now."""
    shop = world.shop()
    order_id = shop.admit()
    shop.advance(days=20)
    shop.refund(order_id, {"amountToRefund": 10, "idempotencyKey": "one"})
    shop.advance(hours=1)
    seen = [(line(shop, order_id)[0], read(shop, order_id))]
    made = shop.shop
    for _ in range(2):
        world.run(
            made.orders.run(
                lambda change: failed_since(change, change.order.modifications[0]),
                made.key(UUID(order_id)),
            )
        )
        seen.append((line(shop, order_id)[0], read(shop, order_id)))
    assert [[(one["state"], one["status"]) for one in live["refunds"]] for _, live in seen] == [
        [("done", "COMPLETED")],
        *[[("failed", "FAILED"), ("stuck", "PENDING")]] * 2,
    ]
    for version, live in seen:
        then = read(shop, order_id, f"?asOfVersion={version}")
        then.pop("asOf")
        assert then == live


def test_balances_and_the_last_decision_are_of_then(world: Door) -> None:
    shop = world.shop()
    order_id = shop.admit()
    shop.advance(days=20)
    paid = line(shop, order_id)[0]
    shop.refund(order_id, {"amountToRefund": 10, "idempotencyKey": "one"})
    shop.advance(hours=1)
    then, now = (read(shop, order_id, f"?asOfVersion={n}") for n in (paid, line(shop, order_id)[0]))
    before = {one["account"]: one["amount"] for one in then["asOf"]["balances"]}
    after = {one["account"]: one["amount"] for one in now["asOf"]["balances"]}
    assert after["merchant_payable"] == before["merchant_payable"] + 1000
    assert (then["refundedAmount"], then["refunds"]) == (0, [])
    assert now["refundedAmount"] == 1000
    first = read(shop, order_id, "?asOfVersion=1")
    assert (first["statusName"], first["attempts"], first["asOf"]["balances"]) == ("DRAFT", [], [])
    decisions = {
        one["id"] for one in shop.get(f"/orders/{order_id}/decisions?limit=20").json()["data"]
    }
    assert then["asOf"]["decisionId"] in decisions
    assert first["asOf"]["decisionId"] is None


@each(
    ("query", "says"),
    [
        ("asOf=2000-01-01T00:00:00Z", "was not there yet"),
        ("asOf=2098-01-01T00:00:00Z", "has not come yet"),
        ("asOfRecorded=2098-01-01T00:00:00Z", "has not come yet"),
        ("asOfRecorded=2000-01-01T00:00:00Z", "was not there yet"),
        ("asOf=yesterday", "ISO 8601"),
        ("asOfVersion=0", "between 1"),
        ("asOfVersion=9999", "has no line 9999"),
        ("asOfVersion=-1", "between 1"),
        ("asOf=2026-01-01T00:00:00Z&asOfVersion=1", "not both"),
    ],
)
def test_a_moment_that_makes_no_sense_is_refused(world: Door, query: str, says: str) -> None:
    shop = world.shop()
    order_id = shop.admit()
    answer = shop.get(f"/orders/{order_id}?{query}")
    assert answer.status_code == 400
    assert says in answer.text


def test_each_time_that_an_answer_shows_is_one_to_ask_by(world: Door) -> None:
    """Answers show milliseconds, the log has microseconds."""
    shop = world.shop()
    order_id = shop.admit(**CARDS["declined twice, then paid"])
    shop.advance(hours=100)
    for version in range(1, line(shop, order_id)[0] + 1):
        shown = read(shop, order_id, f"?asOfVersion={version}")["asOf"]
        assert read(shop, order_id, f"?asOf={shown['at']}")["asOf"]["version"] >= version
        assert (
            read(shop, order_id, f"?asOfRecorded={shown['recordedAt']}")["asOf"]["version"]
            >= version
        )
    assert (
        read(shop, order_id, f"?asOf={read(shop, order_id)['createdDate']}")["asOf"]["version"] >= 1
    )


def test_before_a_capture_of_a_part_the_order_was_for_all_that_was_held(world: Door) -> None:
    shop = world.shop()
    order_id = shop.admit(isMIT=False, expiryDateUtc=GONE, transactionType="AUTHORIZATION")
    held, before = read(shop, order_id), line(shop, order_id)[0]
    assert held["statusName"] == "CAPTUREREQUIRED", held
    body = {
        "idempotencyKey": "c",
        "orderId": order_id,
        "currency": "USD",
        "amount": 100,
        "finalCapture": True,
    }
    assert shop.post("/capture", body).json()["success"]
    now = read(shop, order_id)
    assert (held["amount"], now["amount"]) == (4590, 100)
    assert [
        read(shop, order_id, f"?asOfVersion={one}")["amount"] for one in range(1, before + 1)
    ] == [4590] * before
    assert read(shop, order_id, f"?asOfVersion={line(shop, order_id)[0]}")["amount"] == 100
    assert now["collectedAmount"] == 0, "a hold is not collected in parts"


@pytest.mark.parametrize("at_expiry", ["keep", "refund"])
def test_what_was_collected_in_parts_is_read_now_and_as_it_stood(
    world: Door, at_expiry: str
) -> None:
    shop = world.shop()
    terms = {"enabled": True, "count_max": 1, "at_expiry": at_expiry}
    world.run(set_part_terms(shop.shop.world, shop.shop.scope, terms))
    order_id = shop.admit(paymentMethod__cardNumber=script_card("visa", "51", 1))
    assert read(shop, order_id)["collectedAmount"] == 0
    for _ in range(40):
        shop.advance(hours=24)
        if read(shop, order_id)["collectedAmount"]:
            break
    live, (version, at, recorded) = read(shop, order_id), line(shop, order_id)
    assert live["statusName"] == "PROCESSING"
    assert live["amount"] == 4590
    assert 0 < live["collectedAmount"] < 4590
    shop.call("PATCH", f"/orders/{order_id}", json={"doNotRetry": True})
    shop.advance(days=40)
    ended = read(shop, order_id)
    assert ended["collectedAmount"] == 0
    assert ended["amount"] == (live["collectedAmount"] if at_expiry == "keep" else 4590)
    for query in (f"asOfVersion={version}", f"asOf={z(at)}", f"asOfRecorded={z(recorded)}"):
        then = read(shop, order_id, f"?{query}")
        then.pop("asOf")
        assert then == live, query
    assert read(shop, order_id, "?asOfVersion=1")["collectedAmount"] == 0


def test_an_order_of_somebody_else_has_no_past_either(world: Door) -> None:
    shop, other = world.shop(), world.shop()
    order_id = shop.admit()
    assert other.get(f"/orders/{order_id}?asOfVersion=1").status_code == 404
    assert shop.get(f"/orders/{UNKNOWN}?asOfVersion=1").status_code == 404
