"""PATCH /orders/{id}: what a merchant may change of an open order, and what follows from it. Every
story is proved by `recoup verify` at its end."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.door import APPROVES, FUNDS, GONE, HARD, UNKNOWN, Caller, Door
from tests.rescue_shapes import check_refused, fields_of
from tests.rings import each

from recoup.insight.flows.verify import verify
from recoup.networks.magic import COUNTING_CARDS, FAULT_CARDS, script_card
from recoup.orders.moves import change as changes

EXPIRED_CARD = script_card("visa", "54", 99)  # declines for ever: waiting cures nothing
OTHER_FUNDS = script_card("visa", "51", 99, serial=7)


@pytest.fixture(autouse=True)
def proved(door: Door, shop: Caller) -> Iterator[None]:
    yield
    found = door.run(verify(door.world, shop.shop.merchant_id))
    assert found.difference is None, found.difference


def patch(shop: Caller, order_id: str, **body: Any) -> dict[str, Any]:
    answer = shop.call("PATCH", f"/orders/{order_id}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    as_it_is = {name: value for name, value in found.items() if name != "customProperties"}
    assert as_it_is == shop.order(order_id), "the answer is the order as it is now"
    return found


def refused(shop: Caller, order_id: str, status: int, code: str, **body: Any) -> dict[str, Any]:
    with shop.door.nothing_written():
        return check_refused(shop.call("PATCH", f"/orders/{order_id}", json=body), status, code)


def happenings(shop: Caller, order_id: str) -> list[str]:
    told = shop.post("/outcome", {"orderSessionKey": order_id}).json()
    return [line["happening"] for line in told["history"]]


def when(text: str | None) -> datetime:
    assert text is not None
    return datetime.fromisoformat(text)


def waits(shop: Caller, card: str = FUNDS, **more: Any) -> str:
    """An order in Processing with an attempt planned."""
    order_id = shop.admit(paymentMethod__cardNumber=card, **more)
    shop.advance(minutes=1)
    return order_id


def test_an_order_changed_without_end_slows_nobody_down(
    shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its page shows each change: 1,500 within a minute stopped all doors for half a second a
    visit."""
    order_id = waits(shop)
    monkeypatch.setattr(changes, "LINES_MAX", len(happenings(shop, order_id)) + 2)
    for number in range(2):
        patch(shop, order_id, metadata={"note": str(number)})
    told = refused(shop, order_id, 409, "conflict", metadata={"note": "one more"})
    assert "Cancel the order" in str(told)
    assert shop.post(f"/orders/{order_id}/cancel", {}).status_code == 200, "it can be ended still"


# the card
# --------------------------------------------------------------------------------------------------


def test_a_new_card_is_tried_where_waiting_cures_nothing(shop: Caller) -> None:
    order_id = waits(shop, EXPIRED_CARD, transaction__responseCode="54")
    before = shop.order(order_id)
    assert (before["statusName"], before["nextAttemptAt"]) == ("PROCESSING", None)
    after = patch(shop, order_id, cardToken=shop.token_for(APPROVES))
    assert after["nextAttemptAt"] is not None
    shop.advance(minutes=1)
    assert shop.order(order_id)["statusName"] == "COMPLETED"
    assert "card_replaced" in happenings(shop, order_id)


def test_the_same_card_with_a_new_date_is_a_new_card(shop: Caller) -> None:
    first = shop.token_for(APPROVES)
    order_id = waits(shop, first, transaction__responseCode="54", paymentMethod__token=True)
    again = shop.token_for(APPROVES)
    patch(shop, order_id, cardToken=again)
    shop.advance(minutes=1)
    assert shop.order(order_id)["statusName"] == "COMPLETED"


def test_a_card_that_is_given_before_the_order_was_looked_at(shop: Caller) -> None:
    """The decline that came in counts on the card that it was of."""
    order_id = shop.admit(paymentMethod__cardNumber=FUNDS)
    after = patch(shop, order_id, cardToken=shop.token_for(OTHER_FUNDS))
    assert after["statusName"] == "PROCESSING"
    shop.advance(minutes=1)
    told = shop.order(order_id)["attempts"]
    assert [one["status"] for one in told][0] == "DECLINED"
    cards = shop.door.sql(
        "SELECT card_id, count(*) FROM network_sends WHERE merchant_id = $1 AND order_id = $2 "
        "GROUP BY 1",
        shop.shop.merchant_id,
        uuid.UUID(order_id),
    )
    assert sorted(row["count"] for row in cards) == [1, 1]


def test_network_limits_bind_a_new_card(door: Door, shop: Caller) -> None:
    token = shop.token_for(COUNTING_CARDS[0])
    [card] = door.sql("SELECT pan_id FROM vault WHERE token_id = $1", uuid.UUID(token))
    for _ in range(20):  # other payments of the same merchant use the card's allowance up
        shop.admit(paymentMethod__cardNumber=COUNTING_CARDS[0])
    shop.advance(minutes=1)
    [row] = door.sql("SELECT count(*) FROM network_sends WHERE card_id = $1", card["pan_id"])
    assert row["count"] >= 20
    order_id = waits(shop, EXPIRED_CARD, transaction__responseCode="54")
    patch(shop, order_id, cardToken=token)
    shop.advance(minutes=1)
    order = shop.order(order_id)
    assert (order["statusName"], [one["sentAt"] for one in order["attempts"]]) != ("COMPLETED", [])
    assert all(one["sentAt"] is None for one in order["attempts"])


def test_a_card_that_cannot_be_taken(door: Door, shop: Caller, other: Caller) -> None:
    order_id = waits(shop)
    assert "CardToken" in refused(shop, order_id, 400, "invalid", cardToken=UNKNOWN)
    assert "CardToken" in refused(shop, order_id, 400, "invalid", cardToken="nonsense")
    foreign = other.token_for(APPROVES)
    assert "CardToken" in refused(shop, order_id, 400, "invalid", cardToken=foreign)


def test_a_card_is_not_swapped_while_it_is_being_tried(shop: Caller) -> None:
    """What the processor answers belongs to the card that was sent."""
    order_id = shop.admit(
        expiryDateUtc=GONE,
        paymentMethod__cardNumber=FAULT_CARDS["visa"],
        transaction__amount=80_001,
        transaction__responseCode="91",
    )
    while (status := shop.order(order_id)["attempts"][0]["status"]) == "SENT":
        shop.door.run(asyncio.sleep(0.05))  # or the end of the call would be written meanwhile
    assert status == "UNKNOWN"
    told = refused(shop, order_id, 409, "conflict", cardToken=shop.token_for(OTHER_FUNDS))
    assert "in a moment" in told["result"]
    shop.door.run(shop.shop.settle())
    assert shop.order(order_id)["statusName"] == "COMPLETED"


def test_the_same_token_again_changes_nothing(shop: Caller) -> None:
    token = shop.token_for(OTHER_FUNDS)
    order_id = waits(shop)
    patch(shop, order_id, cardToken=token)
    lines = happenings(shop, order_id)
    patch(shop, order_id, cardToken=token)
    assert happenings(shop, order_id) == lines


@pytest.mark.parametrize("first", [FUNDS, COUNTING_CARDS[1]])
def test_asking_again_with_the_card_it_began_with_is_no_other_payment(
    shop: Caller, first: str
) -> None:
    """Who polls by /evaluate sends what they sent before, whatever they changed in between."""
    body = shop.body(expiryDateUtc=GONE, paymentMethod__cardNumber=first, transaction__amount=5677)
    order_id = shop.evaluate(body).json()["orderId"]
    patch(shop, order_id, cardToken=shop.token_for(OTHER_FUNDS))
    for key, card in (("k2", first), ("k3", OTHER_FUNDS)):
        again = body | {
            "idempotencyKey": key,
            "paymentMethod": body["paymentMethod"] | {"cardNumber": card},
        }
        assert shop.evaluate(again).json()["orderId"] == order_id
    other = body | {
        "idempotencyKey": "k4",
        "paymentMethod": body["paymentMethod"] | {"cardNumber": HARD},
    }
    check_refused(shop.evaluate(other), 409, "conflict")


def test_a_hold_for_the_old_card_does_not_bind_the_new_one(shop: Caller) -> None:
    order_id = waits(shop)
    shop.set(killed=True)
    shop.advance(days=10)
    assert shop.order(order_id)["statusName"] == "ONHOLD"
    shop.set(killed=False)
    patch(shop, order_id, cardToken=shop.token_for(APPROVES))
    shop.advance(minutes=1)
    assert shop.order(order_id)["statusName"] == "COMPLETED"


def test_an_order_stopped_before_its_first_look_keeps_its_card(shop: Caller) -> None:
    shop.set(killed=True)
    order_id = waits(shop)
    assert shop.order(order_id)["statusName"] == "ONHOLD"
    refused(shop, order_id, 409, "wrong_state", cardToken=shop.token_for(APPROVES))


# no further attempts
# ------------------------------------------------------------------------------------------


def test_no_further_attempts_until_they_are_wanted_again(shop: Caller) -> None:
    order_id = waits(shop)
    assert shop.order(order_id)["nextAttemptAt"]
    stopped = patch(shop, order_id, doNotRetry=True)
    assert (stopped["doNotRetry"], stopped["nextAttemptAt"], stopped["statusName"]) == (
        True,
        None,
        "PROCESSING",
    )
    shop.advance(days=10)
    assert all(one["sentAt"] is None for one in shop.order(order_id)["attempts"])
    goes_on = patch(shop, order_id, doNotRetry=False)
    assert goes_on["doNotRetry"] is False
    assert goes_on["nextAttemptAt"] is not None
    shop.advance(days=9)
    assert any(one["sentAt"] for one in shop.order(order_id)["attempts"])
    assert [h for h in happenings(shop, order_id) if h.startswith("retries")] == [
        "retries_stopped",
        "retries_resumed",
    ]


def test_an_order_that_is_not_to_be_tried_before_it_is_picked_up(shop: Caller) -> None:
    order_id = shop.admit(paymentMethod__cardNumber=APPROVES)
    patch(shop, order_id, doNotRetry=True)
    shop.advance(days=5)
    order = shop.order(order_id)
    assert (order["statusName"], order["attempts"]) == ("PROCESSING", [])
    shop.advance(days=20)
    assert shop.order(order_id)["reason"] == "expired"


def test_a_new_card_is_not_tried_while_nothing_shall_be(shop: Caller) -> None:
    order_id = waits(shop)
    patch(shop, order_id, doNotRetry=True, cardToken=shop.token_for(APPROVES))
    shop.advance(days=3)
    assert shop.order(order_id)["statusName"] == "PROCESSING"
    patch(shop, order_id, doNotRetry=False)
    shop.advance(days=15)
    assert shop.order(order_id)["statusName"] == "COMPLETED"


# the expiry
# --------------------------------------------------------------------------------------------------


def test_an_expiry_is_moved_both_ways(shop: Caller) -> None:
    order_id = waits(shop)
    placed = when(shop.order(order_id)["placedDate"])
    sooner, later = placed + timedelta(days=2), placed + timedelta(days=29)
    moved = patch(shop, order_id, expiryDateUtc=sooner.isoformat())
    assert when(moved["expiryDate"]) == sooner
    assert moved["nextAttemptAt"] is None or when(moved["nextAttemptAt"]) < sooner
    moved = patch(shop, order_id, expiryDateUtc=later.isoformat())
    assert when(moved["expiryDate"]) == later
    assert moved["nextAttemptAt"] is not None
    shop.advance(days=27)
    assert shop.order(order_id)["statusName"] == "PROCESSING"
    shop.advance(days=3)
    assert shop.order(order_id)["reason"] == "expired"


def test_a_moved_expiry_ends_the_order_then(shop: Caller) -> None:
    order_id = waits(shop)
    patch(
        shop,
        order_id,
        expiryDateUtc=(when(shop.order(order_id)["placedDate"]) + timedelta(days=2)).isoformat(),
    )
    shop.advance(days=3)
    assert (shop.order(order_id)["statusName"], shop.order(order_id)["reason"]) == (
        "CANCELLED",
        "expired",
    )


def test_a_near_expiry_is_warned_of_in_the_answer(shop: Caller) -> None:
    order_id = waits(shop)
    placed = when(shop.order(order_id)["placedDate"])
    near = patch(shop, order_id, expiryDateUtc=(placed + timedelta(days=2)).isoformat())
    assert "under 14 days" in near["customProperties"]["warning"]
    assert "customProperties" not in patch(shop, order_id, metadata={"a": "b"})
    assert "customProperties" not in shop.order(order_id)


def test_an_expiry_stays_within_its_bounds(shop: Caller) -> None:
    order_id = waits(shop)
    placed = when(shop.order(order_id)["placedDate"])
    for days, word in ((31, "at most"), (0.5, "at least"), (-1, "past")):
        told = refused(
            shop,
            order_id,
            400,
            "invalid",
            expiryDateUtc=(placed + timedelta(days=days)).isoformat(),
        )
        assert word in told["ExpiryDateUtc"][0]
    assert "ExpiryDateUtc" in refused(shop, order_id, 400, "invalid", expiryDateUtc="soon")


def test_a_synchronous_rescue_has_no_expiry_to_move(shop: Caller) -> None:
    order_id = shop.admit(expiryDateUtc=GONE, paymentMethod__cardNumber=FUNDS)
    later = (when(shop.order(order_id)["placedDate"]) + timedelta(days=20)).isoformat()
    assert "ExpiryDateUtc" in refused(shop, order_id, 400, "invalid", expiryDateUtc=later)


# notes
# --------------------------------------------------------------------------------------------------


def test_notes_are_added_changed_and_taken_away(shop: Caller) -> None:
    order_id = waits(shop)
    assert shop.order(order_id)["metadata"] == {}
    assert patch(shop, order_id, metadata={"a": "1", "Agent": "7"})["metadata"] == {
        "a": "1",
        "Agent": "7",
    }
    assert patch(shop, order_id, metadata={"a": None, "b": ""})["metadata"] == {
        "Agent": "7",
        "b": "",
    }
    lines = happenings(shop, order_id)
    patch(shop, order_id, metadata={"b": ""})
    assert happenings(shop, order_id) == lines, "what changes nothing leaves no line"
    [row] = shop.door.sql(
        "SELECT string_agg(body::text, '') AS t FROM order_log WHERE order_id = $1",
        uuid.UUID(order_id),
    )
    assert "Agent" not in row["t"]
    listed = shop.get(f"/orders?id={order_id}").json()["orders"]["data"]
    assert listed[0]["metadata"] == {"Agent": "7", "b": ""}


@each(
    "notes",
    [
        {"a" * 41: "1"},
        {"": "1"},
        {"a": "x" * 501},
        {"a": 1},
        {"a": {}},
        {f"n{n}": "1" for n in range(51)},
        [],
        "x",
    ],
)
def test_notes_that_are_none_name_the_field(shop: Caller, notes: Any) -> None:
    order_id = shop.admit()
    assert "Metadata" in refused(shop, order_id, 400, "invalid", metadata=notes)


def test_there_is_an_end_to_notes(shop: Caller) -> None:
    order_id = shop.admit()
    patch(shop, order_id, metadata={f"n{n}": "1" for n in range(50)})
    assert "Metadata" in refused(shop, order_id, 400, "invalid", metadata={"one more": "1"})


# whose, and when
# ----------------------------------------------------------------------------------------------


def test_only_an_open_order_changes(shop: Caller) -> None:
    paid = shop.completed()
    hard = waits(shop, HARD, transaction__responseCode="04")
    cancelled = shop.admit()
    shop.post(f"/orders/{cancelled}/cancel", {})
    token = shop.token_for(OTHER_FUNDS)
    for order_id in (paid, hard, cancelled):
        for body in ({"cardToken": token}, {"doNotRetry": True}, {"metadata": {"a": "1"}}):
            told = refused(shop, order_id, 409, "wrong_state", **body)
            assert "ended" in told["result"]


def test_all_of_it_or_nothing(shop: Caller) -> None:
    order_id = waits(shop)
    refused(
        shop,
        order_id,
        400,
        "invalid",
        metadata={"a": "1"},
        doNotRetry=True,
        expiryDateUtc="2001-01-01T00:00:00Z",
    )
    order = shop.order(order_id)
    assert (order["metadata"], order["doNotRetry"]) == ({}, False)


@pytest.mark.parametrize("body", [{}, {"metadata": {}}, {"cardToken": None}])
def test_nothing_asked_for_is_400(shop: Caller, body: dict[str, Any]) -> None:
    order_id = shop.admit()
    answer = shop.call("PATCH", f"/orders/{order_id}", json=body)
    assert "cardToken" in fields_of(answer)["Body"][0]


def test_a_field_that_cannot_be_changed_is_named(shop: Caller) -> None:
    answer = shop.call("PATCH", f"/orders/{shop.admit()}", json={"amount": 5})
    assert (answer.status_code, [*fields_of(answer)]) == (400, ["Amount"])


def test_anothers_order_is_not_there(shop: Caller, other: Caller) -> None:
    order_id = shop.admit()
    refused(other, order_id, 404, "not_found", doNotRetry=True)
    refused(shop, UNKNOWN, 404, "not_found", doNotRetry=True)
    refused(shop, "nonsense", 404, "not_found", doNotRetry=True)


def test_names_come_in_any_case(shop: Caller) -> None:
    order_id = shop.admit()
    patch(shop, order_id, DoNotRetry=True, METADATA={"Kept": "as It Is"})
    assert shop.order(order_id)["metadata"] == {"Kept": "as It Is"}


def test_no_card_number_is_taken_for_a_token(shop: Caller) -> None:
    order_id = shop.admit()
    answer = shop.call("PATCH", f"/orders/{order_id}", json={"cardToken": APPROVES})
    assert APPROVES not in str(check_refused(answer, 400)["CardToken"])
