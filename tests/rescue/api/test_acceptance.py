"""What existing clients really read, point by point (contract §18), and their habits (§18.1)."""

import asyncio
import json
import re
import time
from datetime import timedelta
from email.utils import format_datetime

import pytest
from tests import rescue_shapes as shapes
from tests.door import (
    APPROVES,
    GONE,
    UNKNOWN,
    Caller,
    Door,
    changed,
    listening,
    tokenize_body,
    transmit_body,
)
from tests.rescue_shapes import check_refused, fields_of, typed
from tests.rings import each

from recoup.networks.allow_list import APPROVE_CARDS, PHONE_CARD
from recoup.networks.magic import DECLINE_CARD

# the list
# --------------------------------------------------------------------------------------------------


def test_1_a_token_and_its_refusals(door: Door, shop: Caller) -> None:
    keys = shop.shop.keys
    before = time.time()
    answer = door.call(
        "POST", "/v1/oauth2/token", json={"AppKey": keys.app_key, "AppSecret": keys.app_secret}
    )
    token = typed(answer, shapes.Token)
    assert answer.status_code == 200
    assert (
        595_000 < token.expires - before * 1000 <= 601_000
    )  # ten minutes from now, in milliseconds
    assert answer.headers["cache-control"] == "no-store"
    bad = door.call(
        "POST", "/v1/oauth2/token", json={"AppKey": keys.app_key, "AppSecret": "sk_test_wrong"}
    )
    unknown = door.call(
        "POST", "/v1/oauth2/token", json={"AppKey": "pk_test_none", "AppSecret": keys.app_secret}
    )
    check_refused(bad, 400, "bad_credentials")
    check_refused(unknown, 400, "bad_credentials")
    assert fields_of(bad) == fields_of(unknown), (
        "a wrong secret and an unknown key must look the same"
    )
    stale = door.call("GET", "/v1/orders", headers={"authorization": "Bearer " + "x" * 40})
    check_refused(stale, 401, "unauthenticated")


def test_2_a_token_of_a_card(shop: Caller) -> None:
    answer = shop.post("/tokenize", tokenize_body(PHONE_CARD))
    assert answer.status_code == 200
    shapes.check_tokenized(answer)
    method = answer.json()["transaction"]["payment_method"]
    assert (method["last_four_digits"], method["month"], method["year"]) == ("1111", 9, 2031)
    assert PHONE_CARD not in answer.text
    assert "999" not in json.dumps(method["verification_value"])


def test_3_evaluate_answers_submitted_and_its_ids(shop: Caller) -> None:
    answer = shop.evaluate(senseKey="8d8f7c1e-5a2b-4f0e-9d5a-0c8f8b1a2d33")
    told = typed(answer, shapes.Evaluated)
    assert (told.success, told.status, told.result) == (True, "SUBMITTED", "Success")
    assert told.orderId == told.orderSessionKey
    assert told.senseKey == "8d8f7c1e-5a2b-4f0e-9d5a-0c8f8b1a2d33"
    refused = shop.evaluate(idempotencyKey="", transaction__avsResultCode=GONE)
    assert fields_of(refused) == {
        "IdempotencyKey": ["The IdempotencyKey field is required."],
        "Transaction.AvsResultCode": ["The AvsResultCode field is required."],
    }
    assert list(refused.json()) == ["TraceId", "IdempotencyKey", "Transaction.AvsResultCode"]


def test_4_an_order_says_what_it_is(shop: Caller) -> None:
    body = shop.body(correlationId="0f6c1d22-7a8b-4c9d-8e0f-112233445566")
    order_id = shop.evaluate(body).json()["orderId"]
    order = typed(shop.get(f"/orders/{order_id}"), shapes.OrderDetail)
    assert str(order.id) == order_id
    assert (order.status, order.statusName, order.createdDate) == (0, "DRAFT", None)
    assert order.externalOrderId == body["orderId"]
    assert order.referenceNumber == order_id.replace("-", "")[-8:].upper()
    assert (order.firstName, order.lastName, order.customer) == ("Ana", "Roe", "Ana Roe")
    assert (order.amount, order.currencyCode, order.currencySymbol, order.refundedAmount) == (
        4590,
        "USD",
        "$",
        0,
    )
    assert order.billingAddress["zipcode"] == "73301"
    assert order.correlationId == body["correlationId"]
    assert order.descriptor == "LEAF*CLUB"
    assert (order.isMIT, order.orderSource) == (True, "ecommerce")
    shop.advance(days=20)
    assert shop.order(order_id)["statusName"] == "COMPLETED"


def test_6_refund_success_and_failure(shop: Caller) -> None:
    order_id = shop.completed()
    answer = shop.refund(order_id, {"amountToRefund": 12.00, "refundMessage": "Customer request"})
    told = typed(answer, shapes.Refunded)
    assert (told.success, told.status, told.responseCode, told.responseMessage) == (
        True,
        "SUCCESS",
        "100",
        "APPROVED",
    )
    assert (told.errors, str(told.orderId)) == ([], order_id)
    over = shop.refund(order_id, {"amountToRefund": 60})
    told = typed(over, shapes.Refunded)
    assert over.status_code == 200
    assert (told.success, told.status, told.responseCode, told.statusCode) == (
        False,
        "FAILED",
        "2001",
        "400301",
    )
    assert "60.00" in told.responseMessage
    assert "33.90" in told.responseMessage
    error = told.errors[0]
    assert (error.item1, error.item2, error.item3, error.item4) == (
        told.responseMessage,
        "2001",
        "2001",
        True,
    )


def test_7_cancel_answers_exactly_an_empty_object(shop: Caller) -> None:
    order_id = shop.admit()
    for body in (
        b"{}",
        b"",
    ):  # with the body of one client and the none of the other; a repeat is no error
        answer = shop.call(
            "POST",
            f"/orders/{order_id}/cancel",
            content=body,
            headers={"content-type": "application/json"},
        )
        assert (answer.status_code, answer.content) == (200, b"{}")
    assert shop.order(order_id)["statusName"] == "CANCELLED"
    assert shop.order(order_id)["reason"] == "merchant_cancelled"


def test_8_outcome_by_order_session_key(shop: Caller) -> None:
    order_id = shop.admit()
    told = typed(shop.post("/outcome", {"orderSessionKey": order_id}), shapes.Outcome)
    assert (told.success, told.status) == (True, "SUBMITTED")
    assert told.confirmationId == order_id.replace("-", "")[-8:].upper()
    assert re.fullmatch("[0-9A-F]{8}", told.confirmationId or "")
    shop.advance(minutes=1)
    assert shop.post("/outcome", {"orderSessionKey": order_id}).json()["status"] == "PROCESSING"
    shop.advance(days=20)
    assert shop.post("/outcome", {"orderSessionKey": order_id}).json()["status"] == "APPROVED"


def test_8_outcome_finds_an_order_by_any_of_its_ids_as_the_portal_does(
    shop: Caller, other: Caller
) -> None:
    order_id = shop.admit(orderId="SK-1")
    for named in ({"orderSessionKey": "SK-1"}, {"orderId": "SK-1"}, {"orderId": order_id}):
        told = shop.post("/outcome", named).json()
        assert (told["status"], told["orderId"], told["externalOrderId"]) == (
            "SUBMITTED",
            order_id,
            "SK-1",
        )
        assert other.post("/outcome", named).json()["status"] == "NOTFOUND"


@pytest.mark.parametrize("unknown", [UNKNOWN, "not-a-guid", "1"])
def test_8_an_unknown_order_session_key_is_not_found_with_200(shop: Caller, unknown: str) -> None:
    answer = shop.post("/outcome", {"orderSessionKey": unknown})
    told = typed(answer, shapes.Outcome)
    assert (answer.status_code, told.success, told.status, told.statusCode) == (
        200,
        False,
        "NOTFOUND",
        "404101",
    )


def test_transmit_answers_its_id_and_success(shop: Caller) -> None:
    told = typed(shop.post("/transmit", transmit_body(shop)), shapes.Transmitted)
    assert (told.success, told.result, told.status) == (True, "success", 0)


# the habits
# --------------------------------------------------------------------------------------------------


def test_a_decline_is_an_answer_and_no_error(shop: Caller) -> None:
    """A synchronous MIT that the issuer declines for good."""
    answer = shop.evaluate(
        expiryDateUtc=GONE, paymentMethod__cardNumber=DECLINE_CARD, transaction__responseCode="04"
    )
    told = typed(answer, shapes.Evaluated)
    assert answer.status_code == 200
    assert (told.success, told.status, told.statusCode, told.reason) == (
        False,
        "DECLINED",
        None,
        "declined",
    )
    assert told.result
    assert told.result.endswith(".")


@pytest.mark.parametrize("fold", [str.lower, str.upper, lambda name: name[:1].upper() + name[1:]])
def test_field_names_come_in_any_case(shop: Caller, fold: "type[str]") -> None:
    def folded(value: object) -> object:
        if isinstance(value, dict):
            return {fold(name): folded(inner) for name, inner in value.items()}
        return value

    body = shop.body()
    order_id = shop.evaluate(folded(body)).json()["orderId"]  # type: ignore[arg-type]
    order = shop.order(order_id)
    assert order["externalOrderId"] == body["orderId"]
    assert order["billingAddress"]["zipcode"] == "73301"
    keys = shop.shop.keys
    told = {fold("AppKey"): keys.app_key, fold("AppSecret"): keys.app_secret}
    assert shop.door.call("POST", "/v1/oauth2/token", json=told).status_code == 200


def test_the_spellings_of_two_clients(shop: Caller) -> None:
    """`zipCode`, `Token: true`, `timestamp`, offsets and months as text, e-mail NA, a null mid."""
    token = shop.token_for(APPROVES)
    body = shop.body(
        mid=None,
        payer={"email": "NA"},
        paymentMethod={"cardNumber": token, "Token": True},
        transaction__timestampUtc=GONE,
        transaction__timezoneUtcOffset="-5",
    )
    body["transaction"]["timestamp"] = "2026-11-20T08:00:00Z"
    body["billingInformation"] = {"firstName": "Ana", "zipCode": "K1C2N6", "country": "CA"}
    order = shop.order(shop.evaluate(body).json()["orderId"])
    assert order["billingAddress"]["zipcode"] == "K1C2N6"
    assert order["email"] == "NA"


@each("offset", ["-5", -5, 0, "0", "", None, -300])
def test_the_time_zone_as_text_number_or_nothing(shop: Caller, offset: object) -> None:
    assert shop.evaluate(transaction__timezoneUtcOffset=offset).json()["status"] == "SUBMITTED"


def test_numbers_where_texts_are_expected_and_the_other_way_round(shop: Caller) -> None:
    token = shop.token_for(
        APPROVES, payment_method__credit_card__month=9, payment_method__credit_card__year=2031
    )
    body = shop.body(
        transaction__id=3478613,
        transaction__responseCode=51,
        paymentMethod__expirationMonth="09",
        transaction__avsResultCode=0,
        paymentMethod__expirationYear="31",
        paymentMethod__cardNumber=token,
        billingInformation__zipcode=73301,
    )
    assert shop.order(shop.evaluate(body).json()["orderId"])["billingAddress"]["zipcode"] == "73301"


@pytest.mark.parametrize(
    "path", ["/v1//outcome", "//v1/outcome", "/v1/outcome/", "/v1///outcome//"]
)
def test_doubled_and_trailing_slashes(door: Door, shop: Caller, path: str) -> None:
    order_id = shop.admit()
    answer = door.call(
        "POST", f"http://door.test{path}", json={"orderSessionKey": order_id}, headers=shop.headers
    )
    assert answer.json()["status"] == "SUBMITTED"
    assert (
        door.call("GET", f"/v1//orders//{order_id}/", headers=shop.headers).json()["id"] == order_id
    )


def test_dates_as_rfc_1123(shop: Caller) -> None:
    until = shop.door.run(shop.shop.now()) + timedelta(days=15)
    text = format_datetime(until.replace(microsecond=0), usegmt=True)
    order = shop.order(shop.admit(expiryDateUtc=text, transaction__timestampUtc=text))
    assert order["expiryDate"] == until.replace(microsecond=0).isoformat(
        timespec="milliseconds"
    ).replace("+00:00", "Z")


@pytest.mark.parametrize(
    "text",
    [
        "{0:%Y-%m-%dT%H:%M:%SZ}",
        "{0:%Y-%m-%dT%H:%M:%S.%f0Z}",
        "{0:%Y-%m-%d}",
        "{0:%Y-%m-%dT%H:%M:%S}",
        "{0:%Y-%m-%dT%H:%M:%S+02:00}",
    ],
)
def test_dates_as_iso_8601_in_its_usual_spellings(shop: Caller, text: str) -> None:
    until = shop.door.run(shop.shop.now()) + timedelta(days=16)
    assert shop.evaluate(expiryDateUtc=text.format(until)).json()["status"] == "SUBMITTED"


def test_the_order_session_key_is_the_order_id_everywhere(shop: Caller) -> None:
    answer = shop.evaluate().json()
    key = answer["orderSessionKey"].upper()
    assert shop.get(f"/orders/{key}").json()["id"] == answer["orderId"]
    assert shop.post("/outcome", {"orderSessionKey": key}).json()["status"] == "SUBMITTED"
    assert shop.post(f"/orders/{key}/cancel").content == b"{}"


def test_refund_and_cancel_come_without_an_idempotency_key(shop: Caller) -> None:
    order_id = shop.completed()
    assert shop.refund(order_id, {"amountToRefund": 1.5, "mid": None}).json()["status"] == "SUCCESS"
    assert shop.post(f"/orders/{shop.admit()}/cancel", {}).content == b"{}"


@each(
    "content_type",
    [
        None,
        "application/json",
        "application/json; charset=utf-8",
        "application/*+json",
        "application/vnd.api+json",
        "APPLICATION/JSON",
    ],
)
def test_content_types_of_json(shop: Caller, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = shop.call("POST", "/evaluate", content=json.dumps(shop.body()), headers=headers)
    assert answer.json()["status"] == "SUBMITTED"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/json; charset=utf-16",
        "json",
    ],
)
def test_other_content_types_are_400(shop: Caller, content_type: str) -> None:
    body = json.dumps(shop.body())
    answer = shop.call("POST", "/evaluate", content=body, headers={"content-type": content_type})
    assert "content-type" in fields_of(answer)


@each(
    "path",
    ["/orders/{0}", "/orders/{0}/refund", "/orders/{0}/cancel", "/transmit/{0}", "/webhooks/{0}"],
)
@each("unknown", [UNKNOWN, "nothing", "1"])
def test_unknown_ids_are_404(shop: Caller, path: str, unknown: str) -> None:
    methods = {"/orders/{0}": "GET", "/webhooks/{0}": "DELETE", "/transmit/{0}": "PATCH"}
    body = (
        {"amountToRefund": 1, "isDeclined": True} if "{0}/" in path or "transmit" in path else None
    )
    answer = shop.call(methods.get(path, "POST"), path.format(unknown), json=body)
    check_refused(answer, 404, "not_found")


def test_extra_fields_are_no_trouble(shop: Caller) -> None:
    body = changed(
        shop.body(),
        {
            "deviceDetails": {"a": [1, {"b": None}]},
            "additionalFields": [{"key": "a", "value": "b"}],
            "merchant": {"mcc": 5411},
            "Source": "Spreedly",
            "ExtraData": '{"a":1}',
            "neverHeard": [],
        },
    )
    assert shop.evaluate(body).json()["status"] == "SUBMITTED"


# over a real socket
# -------------------------------------------------------------------------------------------


async def _exchange(port: int, *requests: bytes) -> list[bytes]:
    """Each request's answer, all on one connection;
    the connection is closed by whoever wants to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for request in requests:
        writer.write(request)
        await writer.drain()
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        length = re.search(rb"content-length: ([0-9]+)", head.lower())
        answers.append(head + await reader.readexactly(int(length[1]) if length else 0))
    writer.close()
    await writer.wait_closed()
    return answers


def _request(method: str, path: str, body: bytes, *headers: str) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: door.test",
        *headers,
        f"Content-Length: {len(body)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


def test_a_new_connection_for_each_call_and_many_on_one(door: Door, shop: Caller) -> None:
    bearer = f"Authorization: Bearer {shop.token}"
    body = json.dumps(shop.body()).encode()

    async def story() -> None:
        async with listening(door.app) as port:
            for _ in range(3):  # the same body each time, each on its own connection
                [answer] = await _exchange(
                    port, _request("POST", "/v1/evaluate", body, bearer, "Connection: close")
                )
                assert answer.startswith(b"HTTP/1.1 200")
                assert b'"SUBMITTED"' in answer
            get = _request("GET", "/v1/orders?pageSize=1", b"", bearer)
            answers = await _exchange(
                port, get, get, _request("POST", "/v1//evaluate/", body, bearer), get
            )
            assert [a.split()[1] for a in answers] == [b"200"] * 4
            assert b'"totalItemCount":1' in answers[3]

    door.run(story())


def test_what_is_no_http_does_no_harm(door: Door, shop: Caller) -> None:
    bearer = f"Authorization: Bearer {shop.token}"

    async def story() -> None:
        async with listening(door.app) as port:
            for rubbish in (
                b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
                b"GET\r\n\r\n",
                b"POST / HTTP/9.9\r\n\r\n",
            ):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(rubbish)
                said = await asyncio.wait_for(reader.read(), 10)
                assert not said or said.split()[1] in (b"400", b"404", b"505"), said
                writer.close()
            huge = _request("POST", "/v1/evaluate", b'{"a":"' + b"x" * (1 << 20) + b'"}', bearer)
            [answer] = await _exchange(port, huge)
            assert answer.startswith(b"HTTP/1.1 413")
            assert b'"413001"' in answer
            chunked = b"POST /v1/outcome HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
            chunked += bearer.encode() + b"\r\n\r\n"
            [answer] = await _exchange(
                port, chunked + b'9\r\n{"orderSe\r\nf\r\nssionKey":"no"}\r\n0\r\n\r\n'
            )
            assert b"NOTFOUND" in answer
            head = _request("HEAD", "/v1/orders", b"", bearer)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head)
            said = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            assert said.startswith(b"HTTP/1.1 405")
            writer.close()

    door.run(story())


def test_a_caller_that_hangs_up_in_the_middle_writes_nothing(door: Door, shop: Caller) -> None:
    body = json.dumps(shop.body()).encode()
    request = _request("POST", "/v1/evaluate", body, f"Authorization: Bearer {shop.token}")

    async def story() -> None:
        async with listening(door.app) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request[:-20])
            await writer.drain()
            writer.close()
            await asyncio.sleep(0.1)

    with door.nothing_written():
        door.run(story())


def test_the_cards_of_the_allow_list(shop: Caller) -> None:
    for card in APPROVE_CARDS:
        order_id = shop.admit(paymentMethod__cardNumber=card)
        shop.advance(days=20)
        assert shop.order(order_id)["statusName"] == "COMPLETED", card
