"""Webhooks from the order to a real receiver: what is sent, to whom, in which order, how often.

Source: contract §14, §17.1 (U5).
"""

import asyncio
import base64
import hashlib
import hmac
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests import rescue_shapes as shapes
from tests.door import FUNDS, GONE, HARD, Caller, Door
from tests.receiver import Receiver, is_standard, receiving, signed_by_hand
from tests.rescue_shapes import check_refused, fields_of, typed
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.mail.rules.backoff import SCHEDULE
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import script_card
from recoup.orders.rules.events import CATALOGUE, events_by_default
from recoup.orders.rules.signature import verify
from recoup.outside.web.port import ANSWER_BYTES, Answer
from recoup.webhooks.flows import deliver
from recoup.webhooks.flows.endpoints import create

EVERYTHING = list(CATALOGUE)
ALWAYS = {"Mid", "SiteId", "Sequence", "EventId", "Order"}
AT_ONCE = {"expiryDateUtc": GONE, "transaction__responseCode": "91"}


@pytest.fixture
def hooks(door: Door) -> Iterator[Receiver]:
    with receiving(door) as receiver:
        yield receiver


def publish(shop: Caller) -> None:
    """The feed, and a delivery try for whatever is due."""
    shop.door.run(shop.shop.publish())


def subscribe(
    shop: Caller, hooks: Receiver, events: list[str] | None = None, **more: Any
) -> dict[str, Any]:
    body = {"url": hooks.url(), **more} | ({"events": events} if events is not None else {})
    answer = shop.post("/webhooks", body)
    assert answer.status_code == 201, answer.text
    typed(answer, shapes.Endpoint)
    made: dict[str, Any] = answer.json()
    return made


def try_again(shop: Caller) -> None:
    """What waits for another try is due now."""
    statement = (
        "UPDATE lanes SET due_at = now() - interval '1 second', lease_until = NULL WHERE "
        "merchant_id = $1"
    )
    shop.door.sql(statement, shop.shop.merchant_id)
    publish(shop)


def tries(shop: Caller) -> list[Any]:
    return shop.door.sql(
        "SELECT * FROM delivery_tries WHERE merchant_id = $1 ORDER BY try_id", shop.shop.merchant_id
    )


# what is sent
# -------------------------------------------------------------------------------------------------


def test_the_vector_of_the_contract() -> None:
    """The hand-made check against the contract's own numbers, so that both can be trusted below."""
    key = base64.b64encode(bytes(range(64))).decode()
    body = (
        b'{"Event":"order.completed","TimeStamp":"2026-03-02T09:15:30.120000Z",'
        b'"EventData":null,"ExternalOrderId":'
        b'"SUB-7731-2026-03","OrderId":"5f0d3c52-8a6e-4c0b-9a55-0f8a1b7e2c41",'
        b'"ConfirmationId":"9C41D0AF",'
        b'"IsTestMode":true,"IsResent":false}'
    )
    signature = (
        "3PbQGKNFg1NpYA29d7AqMz81ojqRgl2WjnyuLjn59sGRGiXjA0R+Eb7+unIx3srcPI9Dvy6VU1OUAqvlp08BYg=="
    )
    headers = {
        "host": "hooks.merchant.example",
        "x-fc-nonce": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "x-fc-date": "Mon, 02 Mar 2026 09:15:31 GMT",
        "x-fc-content-sha512": (
            "kzzD3Frr6ooHXlVpIUAcLcNz2e9HaWEcCiFNsZmhEWnF"
            "KaZH+2gsoO/UFR2FR3Z3HK/D2sucER57tfgW+mjLkw=="
        ),
        "x-fc-authorization": (
            f"HMAC-SHA512 "
            f"SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature={signature}"
        ),
        "x-fc-signature": (
            "A899srHJdNi9xse9gRjXTJnfIC2M1bNk0AMrRHZdxQMm"
            "Z/PEq7znnBblaV7ip4/702JIMTwNIkDemYaNNf1tHQ=="
        ),
    }
    signed_by_hand(key, headers, body)
    assert verify(key, "hooks.merchant.example", headers, body)


def test_an_approval_is_told_once_and_signed(shop: Caller, hooks: Receiver) -> None:
    subscribe(shop, hooks)
    body = shop.body(**AT_ONCE)
    order_id = shop.evaluate(body).json()["orderId"]
    publish(shop)
    [got] = hooks.got
    assert got.line == "POST /hooks HTTP/1.1"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["host"] == f"127.0.0.1:{hooks.port}"
    signed_by_hand(shop.shop.webhook_key, got.headers, got.body)
    assert verify(
        shop.shop.webhook_key, got.headers["host"], got.headers, got.body, now=datetime.now(UTC)
    )
    told = got.json
    assert list(told) == [
        "Event",
        "TimeStamp",
        "EventData",
        "ExternalOrderId",
        "OrderId",
        "ConfirmationId",
        "IsTestMode",
        "IsResent",
    ]
    assert (told["Event"], told["OrderId"], told["ExternalOrderId"]) == (
        "order.completed",
        order_id,
        body["orderId"],
    )
    assert told["ConfirmationId"] == order_id.replace("-", "")[-8:].upper()
    assert (told["IsTestMode"], told["IsResent"]) == (True, False)
    assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z", told["TimeStamp"])
    sums = {name: got.data[name] for name in got.data.keys() - ALWAYS}
    assert sums == {
        "Status": "COMPLETED",
        "Amount": 4590,
        "Currency": "USD",
        "Attempts": 1,
        "By": "retry",
    }
    assert set(got.data) > ALWAYS
    assert (got.data["Mid"], got.data["SiteId"]) == (shop.mid, str(shop.shop.site_id))
    publish(shop)
    assert len(hooks.got) == 1


OF_ORDERS = ("order.", "attempt.")


def declined_once(shop: Caller) -> str:
    """An order whose second try is approved: pay days put that off for up to 15 days."""
    order_id = shop.admit(paymentMethod__cardNumber=script_card("visa", "51", 1))
    shop.advance(days=16)
    return order_id


def test_status_events_only_for_those_who_ask(shop: Caller, hooks: Receiver) -> None:
    subscribe(shop, hooks)
    order_id = declined_once(shop)
    assert shop.order(order_id)["statusName"] == "COMPLETED"
    # The end of a month may tell of its settlement, too.
    assert [event for event in hooks.events if event.startswith(OF_ORDERS)] == ["order.completed"]
    assert not {
        "order.submitted",
        "order.processing",
        "order.onhold",
        "order.problem",
        "attempt.declined",
    } & set(events_by_default())


def test_the_whole_life_of_an_order_in_its_order(shop: Caller, hooks: Receiver) -> None:
    subscribe(shop, hooks, [kind for kind in EVERYTHING if kind.startswith(OF_ORDERS)])
    order_id = declined_once(shop)
    shop.refund(order_id, {"amountToRefund": 5})
    publish(shop)
    assert hooks.events == [
        "order.submitted",
        "order.processing",
        "attempt.declined",
        "order.completed",
        "order.refunded",
    ]
    numbers = [got.data["Sequence"] for got in hooks.got]
    assert numbers == sorted(set(numbers))
    moments = [got.json["TimeStamp"] for got in hooks.got]
    assert moments == sorted(moments)
    assert len({got.data["EventId"] for got in hooks.got}) == 5
    for got in hooks.got:
        signed_by_hand(shop.shop.webhook_key, got.headers, got.body)
    declined = hooks.got[2].data
    assert set(declined) == ALWAYS | {
        "Status",
        "Amount",
        "Currency",
        "AttemptId",
        "AttemptNumber",
        "ResponseCode",
        "IsFinal",
        "NextAttemptAt",
    }
    assert (declined["AttemptNumber"], declined["ResponseCode"], declined["IsFinal"]) == (
        1,
        "51",
        False,
    )
    assert declined["NextAttemptAt"] > hooks.got[2].json["TimeStamp"]
    progress = hooks.got[0].data
    assert set(progress) == ALWAYS | {"Status", "Amount", "Currency", "Attempts", "NextAttemptAt"}
    assert (progress["Status"], hooks.got[1].data["Status"]) == ("DRAFT", "PROCESSING")
    refunded = hooks.got[4].data
    assert set(refunded) == ALWAYS | {
        "Status",
        "Amount",
        "Currency",
        "RefundId",
        "RefundAmount",
        "RefundedAmount",
        "RefundableAmount",
    }
    assert (refunded["RefundAmount"], refunded["RefundedAmount"], refunded["RefundableAmount"]) == (
        500,
        500,
        4090,
    )


@pytest.mark.parametrize(
    ("story", "event", "more"),
    [
        (
            "declined",
            "order.cancelled",
            {"Reason": "declined", "Attempts": 1, "ResponseCode": "04"},
        ),
        (
            "cancelled",
            "order.cancelled",
            {"Reason": "merchant_cancelled", "Attempts": 0, "ResponseCode": None},
        ),
        ("expired", "order.expired", {}),
        ("returned", "order.refunded", {"RefundableAmount": 0, "Status": "RETURNED"}),
    ],
)
def test_how_an_order_ends(
    shop: Caller, hooks: Receiver, story: str, event: str, more: dict[str, Any]
) -> None:
    subscribe(shop, hooks)
    if story == "declined":
        shop.evaluate(**AT_ONCE, paymentMethod__cardNumber=HARD)
    elif story == "cancelled":
        shop.post(f"/orders/{shop.admit()}/cancel")
    elif story == "expired":
        shop.admit(paymentMethod__cardNumber=FUNDS)
        shop.advance(days=22)
    else:
        shop.refund(shop.admit(**AT_ONCE), {"amountToRefund": 45.9})
    publish(shop)
    assert hooks.events[-1] == event
    data = hooks.got[-1].data
    shape = CATALOGUE[event].data
    assert set(data) == ALWAYS | {field.encode_name for field in msgspec.structs.fields(shape)}
    assert {name: data[name] for name in more} == more
    if story == "expired":
        assert set(data) == ALWAYS | {"Status", "Amount", "Currency", "Attempts", "ExpiredAt"}
        assert data["Attempts"] >= 2


def test_nothing_about_a_person_is_in_an_event(shop: Caller, hooks: Receiver) -> None:
    subscribe(shop, hooks, EVERYTHING)
    shop.completed(
        payer__email="planted@person.example", billingInformation__lastName="Plantedname"
    )
    bodies = b"".join(got.body for got in hooks.got).decode().lower()
    assert hooks.got
    assert not any(text in bodies for text in ("planted", "roe", "73301", "elm st", "555 010"))


# formats and keys
# ---------------------------------------------------------------------------------------------


def test_as_text_for_those_who_want_it(shop: Caller, hooks: Receiver) -> None:
    subscribe(shop, hooks, format="rescue-text")
    shop.admit(**AT_ONCE)
    publish(shop)
    [got] = hooks.got
    assert got.headers["content-type"] == "text/plain; charset=utf-8"
    assert got.event == "order.completed"
    signed_by_hand(shop.shop.webhook_key, got.headers, got.body)


def test_as_standard_webhooks(shop: Caller, hooks: Receiver) -> None:
    made = subscribe(shop, hooks, format="standard", ownKey=True)
    order_id = shop.admit(**AT_ONCE)
    publish(shop)
    [got] = hooks.got
    assert (got.json["type"], got.json["data"]["OrderId"]) == ("order.completed", order_id)
    assert not any(name.startswith("x-fc") for name in got.headers)
    assert is_standard(made["signingKey"], got.headers, got.body)
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    mine = hmac.new(base64.b64decode(made["signingKey"]), signed, hashlib.sha256).digest()
    assert got.headers["webhook-signature"] == f"v1,{base64.b64encode(mine).decode()}"


def test_an_endpoint_with_a_key_of_its_own(shop: Caller, hooks: Receiver) -> None:
    made, plain = subscribe(shop, hooks, ownKey=True), subscribe(shop, hooks, url=hooks.url("/2"))
    assert plain["signingKey"] == shop.shop.webhook_key
    assert made["signingKey"] != plain["signingKey"]
    shop.admit(**AT_ONCE)
    publish(shop)
    assert len(hooks.got) == 2
    by_key = {
        key: [got for got in hooks.got if verify(key, got.headers["host"], got.headers, got.body)]
        for key in (made["signingKey"], plain["signingKey"])
    }
    assert [len(found) for found in by_key.values()] == [1, 1]
    assert hooks.got[0].data["EventId"] == hooks.got[1].data["EventId"]


# when it is not taken
# -----------------------------------------------------------------------------------------


def test_the_next_event_of_an_order_waits_for_the_one_before(shop: Caller, hooks: Receiver) -> None:
    subscribe(shop, hooks, EVERYTHING)
    hooks.answers = [500]
    order_id = shop.admit(**AT_ONCE)
    publish(shop)
    other_id = shop.admit(**AT_ONCE)
    publish(shop)
    of = [got.json["OrderId"] for got in hooks.got]
    assert of.count(order_id) == 1, "what comes after a failed event must wait"
    assert of.count(other_id) == 2, "another order does not wait"
    try_again(shop)
    mine = [got.event for got in hooks.got if got.json["OrderId"] == order_id]
    assert mine == ["order.submitted", "order.submitted", "order.completed"]
    first, second = (
        got
        for got in hooks.got
        if got.json["OrderId"] == order_id and got.event == "order.submitted"
    )
    assert first.body == second.body
    assert first.headers["x-fc-nonce"] != second.headers["x-fc-nonce"]


def test_back_off_and_the_log_of_tries(shop: Caller, hooks: Receiver) -> None:
    subscribe(shop, hooks)
    hooks.answers = [500] * (len(SCHEDULE) + 1)
    order_id = shop.admit(**AT_ONCE)
    publish(shop)
    for number, wait in enumerate(SCHEDULE, 1):
        log = tries(shop)
        assert (len(log), log[-1]["try_no"], log[-1]["status"], log[-1]["result"]) == (
            number,
            number,
            500,
            "failed",
        )
        assert log[-1]["subject_id"] == uuid.UUID(order_id)
        assert log[-1]["answer"] == "ok"
        [lane] = shop.door.sql(
            "SELECT due_at, fails FROM lanes WHERE merchant_id = $1", shop.shop.merchant_id
        )
        assert 0.79 < (lane["due_at"] - log[-1]["at"]) / wait < 1.21
        publish(shop)
        assert len(hooks.got) == number, "nothing before its time"
        try_again(shop)
    log = tries(shop)
    assert (len(log), log[-1]["result"]) == (len(SCHEDULE) + 1, "parked")
    assert not shop.door.sql("SELECT 1 FROM lanes WHERE merchant_id = $1", shop.shop.merchant_id)
    shop.refund(order_id, {"amountToRefund": 1})
    publish(shop)
    assert hooks.events[-1] == "order.refunded", "the order's later events go on"
    assert tries(shop)[-1]["result"] == "delivered"


@pytest.mark.parametrize(
    "answer",
    [
        301,
        400,
        404,
        503,
        b"rubbish\r\n\r\n",
        b"HTTP/1.1 307 Away\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    ],
)
def test_answers_that_are_no_yes_are_tried_again(
    shop: Caller, hooks: Receiver, answer: bytes | int
) -> None:
    subscribe(shop, hooks)
    hooks.answers = [answer]
    shop.admit(**AT_ONCE)
    publish(shop)
    assert len(hooks.got) == 1, "redirects are not followed"
    [tried] = tries(shop)
    assert tried["result"] == "failed"
    try_again(shop)
    assert tries(shop)[-1]["result"] == "delivered"


@pytest.mark.parametrize(
    "wait", ["Fri, 31 Dec 9999 23:59:59 -2359", "Fri, 31 Dec 9999 23:59:59 GMT", "9" * 30]
)
def test_a_receiver_that_asks_for_a_wait_without_end_is_tried_again_within_a_day(
    shop: Caller, hooks: Receiver, wait: str
) -> None:
    """The log of tries stayed empty, and the same event came every minute for ever."""
    subscribe(shop, hooks)
    hooks.answers = [f"HTTP/1.1 503 X\r\nretry-after: {wait}\r\ncontent-length: 0\r\n\r\n".encode()]
    shop.admit(**AT_ONCE)
    publish(shop)
    [tried] = tries(shop)
    assert (tried["status"], tried["result"]) == (503, "failed")
    [lane] = shop.door.sql(
        "SELECT due_at, fails FROM lanes WHERE merchant_id = $1", shop.shop.merchant_id
    )
    assert lane["fails"] == 1
    assert timedelta(hours=23) < lane["due_at"] - tried["at"] <= timedelta(hours=24)


@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_that_cannot_be_kept_is_a_failed_try(
    shop: Caller, hooks: Receiver, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    subscribe(shop, hooks)
    hooks.answers = [status]
    shop.admit(**AT_ONCE)
    kept = deliver.answer_text

    def breaks(answer: Answer) -> str:
        if answer.error is None:
            raise OverflowError("date value out of range")
        return kept(answer)

    monkeypatch.setattr(deliver, "answer_text", breaks)
    publish(shop)
    [tried] = tries(shop)
    assert (tried["status"], tried["error"], tried["result"]) == (None, "protocol", "failed")


def test_an_answer_that_the_database_does_not_take_is_a_failed_try(
    shop: Caller, hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(shop, hooks)
    hooks.answers = [503]
    shop.admit(**AT_ONCE)
    monkeypatch.setattr(deliver, "answer_text", lambda answer: "\0" if answer.error is None else "")
    publish(shop)
    assert [(row["error"], row["result"]) for row in tries(shop)] == [("protocol", "failed")]


def test_a_card_number_that_a_receiver_sends_back_is_masked_in_the_log(
    shop: Caller, hooks: Receiver
) -> None:
    made = subscribe(shop, hooks)
    pan = APPROVE_CARDS[0]
    grouped, masked = " ".join(pan[n : n + 4] for n in range(0, 16, 4)), f"{pan[:6]}…{pan[-4:]}"
    bodies = [f'{{"echo":"{grouped}", "n":"{pan}"}}', "x" * (ANSWER_BYTES - 15) + pan]
    hooks.answers = [
        f"HTTP/1.1 500 X\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
        for body in [*bodies, bodies[0]]
    ]
    shop.admit(**AT_ONCE)
    publish(shop)
    try_again(shop)
    sample = shop.post(f"/webhooks/{made['id']}/test", {"event": "order.completed"}, allow_5xx=True)
    assert pan not in sample.text
    log = [row["answer"] for row in tries(shop)]
    assert log == [
        f'{{"echo":"{masked}", "n":"{masked}"}}',
        "x" * (ANSWER_BYTES - 15) + "…",
        f'{{"echo":"{masked}", "n":"{masked}"}}',
    ]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_yes(shop: Caller, hooks: Receiver, status: int) -> None:
    subscribe(shop, hooks)
    hooks.answers = [
        f"HTTP/1.1 {status} Fine\r\n".encode()
        + (b"\r\n" if status == 204 else b"content-length: 0\r\n\r\n")
    ]
    shop.admit(**AT_ONCE)
    publish(shop)
    assert [row["result"] for row in tries(shop)] == ["delivered"]


def test_410_ends_an_endpoint(shop: Caller, hooks: Receiver) -> None:
    made = subscribe(shop, hooks)
    hooks.answers = [410]
    shop.admit(**AT_ONCE)
    publish(shop)
    endpoint = shop.get(f"/webhooks/{made['id']}").json()
    assert endpoint["state"] == "disabled"
    assert "410" in endpoint["why"]
    shop.admit(**AT_ONCE)
    publish(shop)
    assert len(hooks.got) == 1, "no later event is sent there"
    assert [row["result"] for row in tries(shop)] == ["disabled"]


def test_410_also_ends_what_had_been_waiting_for_that_endpoint(
    shop: Caller, hooks: Receiver
) -> None:
    subscribe(shop, hooks)
    hooks.answers = [500, 410]
    for _ in range(
        2
    ):  # the first one waits for another try, the second is told that the receiver is gone
        shop.admit(**AT_ONCE)
        publish(shop)
    try_again(shop)
    assert len(hooks.got) == 2


def test_a_receiver_that_is_not_there(shop: Caller, door: Door) -> None:
    with receiving(door) as gone:
        subscribe(shop, gone)
    shop.admit(**AT_ONCE)
    publish(shop)
    [tried] = tries(shop)
    assert (tried["status"], tried["error"], tried["result"]) == (None, "connect", "failed")


def test_what_was_posted_but_not_recorded_is_sent_again(
    shop: Caller, door: Door, hooks: Receiver
) -> None:
    """A crash in between: at least once, recognisable by its event id."""
    subscribe(shop, hooks)
    shop.admit(**AT_ONCE)

    async def crash() -> None:
        hooks.holding = asyncio.Event()
        going = asyncio.create_task(shop.shop.publish())
        while not hooks.got:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        going.cancel()
        for task in list(door.deliveries._out):
            task.cancel()
        await asyncio.gather(going, *door.deliveries._out, return_exceptions=True)
        hooks.holding.set()

    door.run(crash())
    hooks.holding = None
    assert tries(shop) == []
    publish(shop)
    assert len(hooks.got) == 1, "the lease is still held"
    try_again(shop)
    assert [got.event for got in hooks.got] == ["order.completed"] * 2
    assert hooks.got[0].body == hooks.got[1].body
    assert hooks.got[0].json["IsResent"] is hooks.got[1].json["IsResent"] is False
    assert [row["result"] for row in tries(shop)] == ["delivered"]


def test_a_deleted_endpoint_gets_nothing_more(shop: Caller, hooks: Receiver) -> None:
    made = subscribe(shop, hooks)
    hooks.answers = [500]
    shop.admit(**AT_ONCE)
    publish(shop)
    assert shop.call("DELETE", f"/webhooks/{made['id']}").status_code == 204
    shop.admit(**AT_ONCE)
    try_again(shop)
    assert len(hooks.got) == 1
    assert len(tries(shop)) == 1, "the log stays"


def test_another_merchants_events_stay_theirs(shop: Caller, other: Caller, hooks: Receiver) -> None:
    subscribe(shop, hooks, EVERYTHING)
    other.admit(**AT_ONCE)
    publish(other)
    publish(shop)
    assert hooks.got == []


# managing endpoints
# -------------------------------------------------------------------------------------------


def test_made_listed_read_and_deleted(shop: Caller) -> None:
    answer = shop.post(
        "/webhooks",
        {"Url": "https://hooks.merchant.example.com/a?b=c", "Events": ["order.completed"]},
    )
    assert answer.status_code == 201
    made = typed(answer, shapes.Endpoint)
    assert (made.url, made.events, made.format, made.state) == (
        "https://hooks.merchant.example.com/a?b=c",
        ["order.completed"],
        "rescue",
        "active",
    )
    assert made.signingKey == shop.shop.webhook_key
    assert [one.id for one in typed(shop.get("/webhooks"), shapes.Endpoints).data] == [made.id]
    shown = typed(shop.get(f"/webhooks/{made.id}"), shapes.Endpoint)
    assert shown.health.waitingEvents == 0
    assert shown == made
    gone = shop.call("DELETE", f"/webhooks/{made.id}")
    assert (gone.status_code, gone.content) == (204, b"")
    check_refused(shop.call("DELETE", f"/webhooks/{made.id}"), 404, "not_found")
    check_refused(shop.get(f"/webhooks/{made.id}"), 404, "not_found")
    assert typed(shop.get("/webhooks"), shapes.Endpoints).data == []
    default = shop.post("/webhooks", {"url": "https://hooks.merchant.example.com/"}).json()
    assert default["events"] == list(events_by_default())


@each(
    "url",
    [
        "",
        "ftp://a.example.com",
        "http://hooks.merchant.example.com/",
        "https://user:secret@hooks.merchant.example.com/",
        "https://user@hooks.merchant.example.com/",
        "http://user@127.0.0.1:8400/",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[fd00::1]/",
        "http://localhost:8400/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://127.0.0.1:8443/",
        "http://127.0.0.1/",
        "http://127.0.0.2:80/",
        "http://[::1]:8400/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://metadata.internal/",
        "https://hook",
        "https://hooks.merchant.example.com:99999/",
        "https://hooks.merchant.example.com/\r\nx: y",
        "https://höoks.example.com/",
        "https://hooks.merchant.example.com/" + "a" * 3000,
        "javascript:alert(1)",
        "https://",
        "//hooks.merchant.example.com",
    ],
)
def test_addresses_that_are_refused_say_why(door: Door, shop: Caller, url: str) -> None:
    with door.nothing_written():
        answer = shop.post("/webhooks", {"url": url})
        assert list(fields_of(answer)) == ["Url"]
        assert "secret" not in answer.text


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8400/hooks",
        "http://127.0.0.1:1",
        "https://hooks.merchant.example.com:8443/x",
    ],
)
def test_addresses_that_are_allowed(shop: Caller, url: str) -> None:
    assert shop.post("/webhooks", {"url": url}).status_code == 201


@each(
    ("body", "field"),
    [
        ({"events": ["order.eaten"]}, "Events"),
        ({"events": []}, "Events"),
        ({"events": "order.completed"}, "Events"),
        ({"events": [1]}, "Events"),
        ({"events": {}}, "Events"),
        ({"format": "xml"}, "Format"),
        ({"ownKey": "yes"}, "OwnKey"),
        ({"url": 5}, "Url"),
        ({"url": None}, "Url"),
        ({"format": []}, "Format"),
    ],
)
def test_forms_that_are_wrong_name_the_field(
    door: Door, shop: Caller, body: dict[str, Any], field: str
) -> None:
    with door.nothing_written():
        assert field in fields_of(
            shop.post("/webhooks", {"url": "https://hooks.merchant.example.com/"} | body)
        )


def test_there_is_an_end_to_how_many(door: Door, shop: Caller) -> None:
    for number in range(50):
        assert (
            shop.post(
                "/webhooks", {"url": f"https://hooks.merchant.example.com/{number}"}
            ).status_code
            == 201
        )
    with door.nothing_written():
        check_refused(
            shop.post("/webhooks", {"url": "https://hooks.merchant.example.com/"}), 409, "conflict"
        )


def test_another_merchants_endpoints_are_not_there(door: Door, shop: Caller, other: Caller) -> None:
    made = shop.post("/webhooks", {"url": "https://hooks.merchant.example.com/"}).json()
    with door.nothing_written():
        check_refused(other.get(f"/webhooks/{made['id']}"), 404, "not_found")
        check_refused(other.call("DELETE", f"/webhooks/{made['id']}"), 404, "not_found")
    assert other.get("/webhooks").json()["data"] == []


def test_endpoints_made_at_once_are_never_more_than_there_may_be(
    shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each had counted before the others were there."""
    monkeypatch.setattr("recoup.webhooks.flows.endpoints.ENDPOINTS_MAX", 2)
    door, scope = shop.door, shop.shop.scope

    async def together() -> list[object]:
        asked = [
            create(door.world, scope, f"https://hooks.example.com/{n}", None, "rescue")
            for n in range(6)
        ]
        return await asyncio.gather(*asked, return_exceptions=True)

    told = door.run(together())
    assert sum(isinstance(one, Problem) and one.code == "conflict" for one in told) == 4
