"""The hostile caller: whatever is sent is refused in the dialect's shape, names the field and the
cure, writes nothing."""

import base64
import io
import json
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from tests.door import (
    APPROVES,
    FUNDS,
    GONE,
    HARD,
    UNKNOWN,
    Caller,
    Door,
    evaluate_body,
    everything,
    stands_in,
    tokenize_body,
    transmit_body,
)
from tests.rescue_shapes import check_refused, fields_of
from tests.rings import each

from recoup.main.logs import start_logs
from recoup.networks.card import luhn_digit
from recoup.networks.magic import classify, script_card

ENDPOINTS = [
    ("POST", "/oauth2/token"),
    ("POST", "/oauth2/refresh"),
    ("POST", "/transmit"),
    ("PATCH", "/transmit/{0}"),
    ("POST", "/tokenize"),
    ("POST", "/evaluate"),
    ("POST", "/outcome"),
    ("POST", "/orders/{0}/refund"),
    ("POST", "/orders/{0}/cancel"),
    ("POST", "/webhooks"),
]
MALFORMED = {
    "nothing": b"",
    "a blank": b" ",
    "cut": b'{"orderId": "1"',
    "cut in a text": b'{"orderId": "1',
    "two values": b"{} {}",
    "a comma too many": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "a bare word": b"{a:1}",
    "XML": b"<a/>",
    "a form": b"a=1&b=2",
    "NaN": b'{"a":NaN}',
    "infinity": b'{"a":1e999}',
    "a comment": b'{/**/"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "Latin-1": '{"a":"é"}'.encode("latin-1"),
    "raw NUL": b'{"a":"\x00"}',
    "escaped NUL": b'{"orderId":"a\\u0000b"}',
    "NUL in a name": b'{"order\\u0000Id":1}',
    "a lone surrogate": b'{"orderId":"\\ud800"}',
    "a lone low one": b'{"orderId":"\\udc00x"}',
    "two high ones": b'{"orderId":"\\ud800\\ud800"}',
    "a raw surrogate": b'{"orderId":"\xed\xa0\x80"}',
    "overlong UTF-8": b'{"a":"\xc0\x80"}',
    "control characters": b'{"a":"\x01"}',
    "deep": b'{"a":' * 40 + b"1" + b"}" * 40,
    "very deep": b"[" * 100_000,
    "a huge number": b'{"a":' + b"9" * 5000 + b"}",
    "65 bits": b'{"transaction":{"amount":18446744073709551616}}',
    "a list": b"[]",
    "a text": b'"orderId"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
}


@each("what", MALFORMED)
@each(("method", "path"), ENDPOINTS)
def test_what_is_no_object_of_json_is_400(
    door: Door, steady: "Steady", method: str, path: str, what: str
) -> None:
    if path.endswith("/cancel") and what == "nothing":
        return  # the one call that needs no body
    with steady.nothing_written():
        answer = steady.shop.raw(path.format(steady.order_id), MALFORMED[what], method)
        fields = fields_of(answer)
    assert list(fields) == ["Body"]
    assert "JSON" in fields["Body"][0]


class Steady:
    """One merchant with one order, for many refusals."""

    def __init__(self, door: Door) -> None:
        self.door, self.shop = door, door.shop()
        self.order_id = self.shop.admit()

    @contextmanager
    def nothing_written(self) -> Iterator[None]:
        with self.door.nothing_written():
            yield


@pytest.fixture(scope="module")
def steady(door: Door) -> Steady:
    return Steady(door)


def test_a_body_over_a_mebibyte_is_413(door: Door, steady: Steady) -> None:
    for method, path in ENDPOINTS:
        body = json.dumps({"orderId": "x" * (1 << 20)}).encode()
        with steady.nothing_written():
            answer = steady.shop.raw(path.format(steady.order_id), body, method)
            assert "1048576" in check_refused(answer, 413, "too_large")["result"]


def test_a_huge_body_under_the_limit_is_read_and_judged(steady: Steady) -> None:
    huge = steady.shop.body(additionalFields=[{"key": "k", "value": "v" * 50}] * 10_000)
    assert steady.shop.evaluate(huge).json()["status"] == "SUBMITTED"
    many = steady.shop.body(orderItems=[{"sku": "a", "amount": 1}] * 501)
    with steady.nothing_written():
        assert list(fields_of(steady.shop.evaluate(many))) == ["OrderItems"]
        names = {f"unknown{n}": n for n in range(400)}
        assert "OrderId" in fields_of(steady.shop.post("/evaluate", names))
        names = {f"unknown{n}": n for n in range(20_000)}
        assert list(fields_of(steady.shop.post("/evaluate", names))) == ["Body"]


# wrong values
# -------------------------------------------------------------------------------------------------

WRONG = [
    ("isDeclined", "true", "IsDeclined"),
    ("isDeclined", 1, "IsDeclined"),
    ("isMIT", "yes", "IsMIT"),
    ("isRecurring", 0, "IsRecurring"),
    ("orderId", ["a"], "OrderId"),
    ("orderId", {"a": 1}, "OrderId"),
    ("orderId", True, "OrderId"),
    ("orderId", 1.5, "OrderId"),
    ("orderId", "x" * 129, "OrderId"),
    ("idempotencyKey", "x" * 129, "IdempotencyKey"),
    ("idempotencyKey", [], "IdempotencyKey"),
    ("mid", 5, "Mid"),
    ("mid", "abc", "Mid"),
    ("siteId", "abc", "SiteId"),
    ("siteId", {}, "SiteId"),
    ("siteUrl", "x" * 513, "SiteUrl"),
    ("siteUrl", {"": {APPROVES: None}}, "SiteUrl"),
    ("siteUrl", {"a b": {APPROVES: None}}, "SiteUrl"),
    ("transactionType", "CAPTURE", "TransactionType"),
    ("expiryDateUtc", 1_800_000_000, "ExpiryDateUtc"),
    ("expiryDateUtc", {}, "ExpiryDateUtc"),
    ("transaction", "none", "Transaction"),
    ("transaction", [], "Transaction"),
    ("payer", "Ana", "Payer"),
    ("billingInformation", [1], "BillingInformation"),
    ("shippingInformation", 7, "ShippingInformation"),
    ("paymentMethod", "4111", "PaymentMethod"),
    ("subscription", "monthly", "Subscription"),
    ("threeDSecure", True, "ThreeDSecure"),
    ("orderItems", {}, "OrderItems"),
    ("orderItems", [1], "OrderItems[0]"),
    ("orderItems", [{"amount": -1}], "OrderItems[0].Amount"),
    ("orderItems", [{"quantity": 0}], "OrderItems[0].Quantity"),
    ("transaction.amount", -1, "Transaction.Amount"),
    ("transaction.amount", 10**15, "Transaction.Amount"),
    ("transaction.amount", 0.5, "Transaction.Amount"),
    ("transaction.currency", "XXX", "Transaction.Currency"),
    ("transaction.currency", "usdollar", "Transaction.Currency"),
    ("transaction.currency", 840, "Transaction.Currency"),
    ("transaction.currency", "$", "Transaction.Currency"),
    ("transaction.id", {}, "Transaction.Id"),
    ("transaction.id", "x" * 129, "Transaction.Id"),
    ("transaction.responseCode", [], "Transaction.ResponseCode"),
    ("transaction.responseCode", "9" * 65, "Transaction.ResponseCode"),
    ("transaction.avsResultCode", "x" * 17, "Transaction.AvsResultCode"),
    ("transaction.timezoneUtcOffset", "EST", "Transaction.TimezoneUtcOffset"),
    ("transaction.timezoneUtcOffset", 10_000, "Transaction.TimezoneUtcOffset"),
    ("paymentMethod.cardNumber", [4111], "PaymentMethod.CardNumber"),
    ("paymentMethod.cardNumber", "4111", "PaymentMethod.CardNumber"),
    ("paymentMethod.cardNumber", "1" * 25, "PaymentMethod.CardNumber"),
    ("paymentMethod.cardNumber", "no-token", "PaymentMethod.CardNumber"),
    ("paymentMethod.cardNumber", UNKNOWN, "PaymentMethod.CardNumber"),
    ("paymentMethod.token", "yes", "PaymentMethod.Token"),
    ("paymentMethod.expirationMonth", 13, "PaymentMethod.ExpirationMonth"),
    ("paymentMethod.expirationMonth", GONE, "PaymentMethod.ExpirationMonth"),
    ("paymentMethod.expirationYear", 3000, "PaymentMethod.ExpirationYear"),
    ("paymentMethod.expirationYear", "next", "PaymentMethod.ExpirationYear"),
    ("paymentMethod.verificationValue", "12345", "PaymentMethod.VerificationValue"),
    ("payer.email", "x" * 257, "Payer.Email"),
    ("subscription.price", [], "Subscription.Price"),
    ("customerIp", "x" * 65, "CustomerIp"),
    ("orderSource", [], "OrderSource"),
    ("siteUrl", 5.5, "SiteUrl"),
    ("senseKey", {}, "SenseKey"),
    ("transaction.dynamicDescriptor", "x" * 65, "Transaction.DynamicDescriptor"),
]


@each(("field", "value", "named"), WRONG)
def test_a_wrong_value_names_its_field(
    steady: Steady, field: str, value: object, named: str
) -> None:
    body = steady.shop.body(**{field.replace(".", "__"): value})
    with steady.nothing_written():
        assert named in fields_of(steady.shop.evaluate(body))


def test_everything_wrong_is_said_at_once(steady: Steady) -> None:
    body = steady.shop.body(
        isDeclined="x",
        mid="x",
        siteId="x",
        transaction__amount=-1,
        transaction__currency="?",
        paymentMethod__expirationMonth=99,
    )
    assert set(fields_of(steady.shop.evaluate(body))) == {
        "IsDeclined",
        "Mid",
        "SiteId",
        "Transaction.Amount",
        "Transaction.Currency",
        "PaymentMethod.ExpirationMonth",
    }


@each(
    ("field", "value", "named"),
    [
        ("isDeclined", None, "IsDeclined"),
        ("isMIT", "yes", "IsMIT"),
        ("orderId", "", "OrderId"),
        ("transaction", None, "Transaction.Amount"),
        ("transaction.currency", "EURO", "Transaction.Currency"),
        ("transaction.amount", -1, "Transaction.Amount"),
        ("paymentMethod.cardBinNumber", "41111a", "PaymentMethod.CardBinNumber"),
        ("paymentMethod.cardLast4Digits", "11111", "PaymentMethod.CardLast4Digits"),
        ("paymentMethod.cardNumber", APPROVES, "PaymentMethod.CardNumber"),
        ("transmitId", "x", "TransmitId"),
        ("transmitId", 5, "TransmitId"),
    ],
)
def test_a_wrong_transmission(steady: Steady, field: str, value: object, named: str) -> None:
    body = transmit_body(steady.shop, **{field.replace(".", "__"): value})
    with steady.nothing_written():
        assert named in fields_of(steady.shop.post("/transmit", body))


def test_an_empty_transmit_id_is_none(steady: Steady) -> None:
    assert (
        steady.shop.post("/transmit", transmit_body(steady.shop, transmitId="")).json()["result"]
        == "success"
    )


@each(
    ("update", "named"),
    [
        ({}, "Outcome"),
        ({"isDeclined": "no"}, "IsDeclined"),
        ({"refund": 5}, "Refund"),
        ({"chargeback": [1]}, "Chargeback"),
        ({"refund": {"amount": -1}}, "Refund.Amount"),
        ({"outcome": True}, "Outcome"),
        ({"outcome": "x" * 257}, "Outcome"),
    ],
)
def test_a_wrong_update_of_a_transmission(
    door: Door, steady: Steady, update: dict[str, Any], named: str
) -> None:
    transmit_id = steady.shop.post("/transmit", transmit_body(steady.shop)).json()["transmitId"]
    before = door.sql(
        "SELECT outcome::text FROM transmissions WHERE transmit_id = $1", uuid.UUID(transmit_id)
    )
    with steady.nothing_written():
        assert named in fields_of(
            steady.shop.call("PATCH", f"/transmit/{transmit_id}", json=update)
        )
        assert named in fields_of(
            steady.shop.post("/transmit", {"transmitId": transmit_id} | update)
        )
    assert (
        door.sql(
            "SELECT outcome::text FROM transmissions WHERE transmit_id = $1", uuid.UUID(transmit_id)
        )
        == before
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"orderSessionKey": ""},
        {"orderSessionKey": None},
        {"orderSessionKey": []},
        {"orderSessionKey": {"a": 1}},
    ],
)
def test_an_outcome_of_nothing(steady: Steady, body: dict[str, Any]) -> None:
    assert list(fields_of(steady.shop.post("/outcome", body))) == ["OrderSessionKey"]


@each(
    ("change", "named"),
    [
        ({"payment_method": None}, "PaymentMethod.CreditCard.Number"),
        ({"payment_method": "card"}, "PaymentMethod"),
        ({"payment_method.credit_card": []}, "PaymentMethod.CreditCard"),
        ({"payment_method.credit_card.number": "abc"}, "PaymentMethod.CreditCard.Number"),
        ({"payment_method.credit_card.month": 0}, "PaymentMethod.CreditCard.Month"),
        ({"payment_method.credit_card.month": "1.5"}, "PaymentMethod.CreditCard.Month"),
        ({"payment_method.credit_card.year": -1}, "PaymentMethod.CreditCard.Year"),
        ({"payment_method.credit_card.year": 10**6}, "PaymentMethod.CreditCard.Year"),
        (
            {"payment_method.credit_card.verification_value": "12345"},
            "PaymentMethod.CreditCard.VerificationValue",
        ),
        ({"payment_method.email": "x" * 300}, "PaymentMethod.Email"),
        ({"mid": "other"}, "Mid"),
        ({"mid": [1]}, "Mid"),
    ],
)
def test_a_wrong_card(steady: Steady, change: dict[str, Any], named: str) -> None:
    body = tokenize_body(APPROVES, **change)
    with steady.nothing_written():
        assert named in fields_of(steady.shop.post("/tokenize", body))


# other people's cards and orders
# ------------------------------------------------------------------------------


def real_looking(head: str, digits: int) -> str:
    """A number that passes every check of form, and is none of the sandbox's."""
    body = head.ljust(digits - 1, "7")
    return body + luhn_digit(body)


REAL = [
    real_looking(head, digits)
    for head, digits in (
        ("401288", 16),
        ("2221007", 16),
        ("545454", 16),
        ("3714496", 15),
        ("601199", 16),
        ("30569", 14),
        ("353011", 16),
        ("5067", 16),
        ("4", 13),
        ("622126", 19),
    )
]


@each("number", REAL)
def test_a_real_looking_card_is_refused_and_nowhere_kept(steady: Steady, number: str) -> None:
    assert classify(number) is None
    spaced = " ".join(re.findall(".{1,4}", number))
    with steady.nothing_written():
        for sent in (number, spaced, int(number)):
            evaluated = steady.shop.evaluate(
                paymentMethod__cardNumber=sent, paymentMethod__verificationValue="917"
            )
            tokenized = steady.shop.post(
                "/tokenize", tokenize_body(number, payment_method__credit_card__number=sent)
            )
            for answer, field in (
                (evaluated, "PaymentMethod.CardNumber"),
                (tokenized, "PaymentMethod.CreditCard.Number"),
            ):
                [text] = fields_of(answer)[field]
                assert "Real card data must never be used here" in text
                assert "recoup sandbox inputs" in text
                assert number not in answer.text
                assert number[2:] not in answer.text


@pytest.mark.parametrize(
    "number", [APPROVES[:-1] + str((int(APPROVES[-1]) + 1) % 10), "0" * 16, "1234567890123456"]
)
def test_a_number_that_is_none_is_refused(steady: Steady, number: str) -> None:
    with steady.nothing_written():
        [text] = fields_of(steady.shop.evaluate(paymentMethod__cardNumber=number))[
            "PaymentMethod.CardNumber"
        ]
    assert number not in text


def test_what_belongs_to_another_merchant_is_not_there(
    door: Door, shop: Caller, other: Caller
) -> None:
    order_id = shop.admit()
    token = shop.token_for(APPROVES)
    transmit_id = shop.post("/transmit", transmit_body(shop)).json()["transmitId"]
    theirs = other.body(paymentMethod__cardNumber=token)
    with door.nothing_written():
        check_refused(other.get(f"/orders/{order_id}"), 404, "not_found")
        check_refused(other.refund(order_id, {"amountToRefund": 1}), 404, "not_found")
        check_refused(other.post(f"/orders/{order_id}/cancel"), 404, "not_found")
        check_refused(
            other.call("PATCH", f"/transmit/{transmit_id}", json={"isDeclined": True}),
            404,
            "not_found",
        )
        check_refused(
            other.post("/transmit", {"transmitId": transmit_id, "isDeclined": True}),
            404,
            "not_found",
        )
        assert other.post("/outcome", {"orderSessionKey": order_id}).json()["status"] == "NOTFOUND"
        assert list(fields_of(other.evaluate(theirs))) == ["PaymentMethod.CardNumber"]
        assert (
            other.get("/orders", params={"query": order_id}).json()["orders"]["totalItemCount"] == 0
        )
    assert shop.order(order_id)["statusName"] == "DRAFT"


# wrong states
# -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state", ["completed", "returned", "declined", "expired", "paid_elsewhere"]
)
def test_cancelling_what_is_over_is_409_and_says_what_is_possible(
    door: Door, shop: Caller, state: str
) -> None:
    at_once = {"expiryDateUtc": GONE, "transaction__responseCode": "91"}
    body = shop.body(
        **(at_once if state in ("completed", "returned", "declined") else {}),
        paymentMethod__cardNumber={"declined": HARD, "expired": FUNDS}.get(state, APPROVES),
    )
    order_id = shop.evaluate(body).json()["orderId"]
    if state == "returned":
        shop.refund(order_id, {"amountToRefund": 45.9})
    if state == "expired":
        shop.advance(days=22)
    if state == "paid_elsewhere":
        shop.post("/transmit", transmit_body(shop, orderId=body["orderId"]))
        assert shop.order(order_id)["reason"] == "paid_elsewhere"
    with door.nothing_written():
        answer = check_refused(shop.post(f"/orders/{order_id}/cancel"), 409, "wrong_state")
    told = {"completed": "refund it instead", "returned": "given back already"}.get(
        state, "It has ended"
    )
    assert told in answer["result"]


@pytest.mark.parametrize("state", ["draft", "processing", "onhold"])
def test_cancelling_what_goes_on(door: Door, shop: Caller, state: str) -> None:
    shop.set(killed=state == "onhold")
    order_id = shop.admit()
    if state != "draft":
        shop.advance(seconds=1)
    assert shop.order(order_id)["statusName"] == state.upper()
    assert shop.post(f"/orders/{order_id}/cancel").content == b"{}"
    before = shop.order(order_id)
    shop.advance(days=25)
    assert shop.order(order_id) == before, "nothing happens to it any more"


# what must never be seen
# --------------------------------------------------------------------------------------


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Everything that the application logs, down to debug."""
    stream, real = io.StringIO(), sys.stderr
    sys.stderr = stream
    try:
        start_logs("debug")
        yield stream
    finally:
        sys.stderr = real
        structlog.reset_defaults()
        start_logs("error")


def test_no_number_code_or_secret_in_any_answer_log_line_or_table(door: Door, shop: Caller) -> None:
    """Cards that are taken and cards that are refused, in the right place and in wrong ones."""
    pans = [
        script_card("visa", "51", 0, serial=4711),
        script_card("mastercard", "05", 1, serial=815),
        *REAL[:3],
    ]
    codes = ["8306", "7042"]
    answers = []
    with logged() as log:
        for pan in pans:
            for code in codes:
                answers += [
                    shop.evaluate(
                        paymentMethod__cardNumber=pan, paymentMethod__verificationValue=code
                    ),
                    shop.evaluate(
                        expiryDateUtc=GONE,
                        paymentMethod__cardNumber=pan,
                        paymentMethod__verificationValue=code,
                    ),
                    shop.evaluate(
                        isMIT=False,
                        paymentMethod__cardNumber=pan,
                        paymentMethod__verificationValue=code,
                    ),
                    shop.post(
                        "/tokenize",
                        tokenize_body(pan, payment_method__credit_card__verification_value=code),
                    ),
                    shop.post("/transmit", transmit_body(shop, paymentMethod__cardNumber=pan)),
                    shop.evaluate(paymentMethod__token=True, paymentMethod__cardNumber=pan),
                    shop.evaluate(transaction__currency=pan),
                    shop.evaluate(transaction__amount=int(pan)),
                    shop.evaluate(isDeclined=pan),
                    shop.evaluate(siteId=pan),
                    shop.evaluate(expiryDateUtc=pan),
                    shop.evaluate(transactionType=pan),
                    shop.get(f"/orders/{pan}"),
                    shop.get(f"/orders?status={pan}"),
                    shop.get(f"/orders?from={pan}"),
                    shop.post("/outcome", {"orderSessionKey": pan}),
                    shop.raw("/evaluate", f'{{"cardNumber":"{pan}"'.encode()),
                ]
        answers.append(
            door.call(
                "POST",
                "/v1/oauth2/token",
                json={
                    "AppKey": shop.shop.keys.app_key,
                    "AppSecret": shop.shop.keys.app_secret + "x",
                },
            )
        )
        refresh = door.call(
            "POST",
            "/v1/oauth2/token",
            json={"AppKey": shop.shop.keys.app_key, "AppSecret": shop.shop.keys.app_secret},
        )
        shop.advance(days=22)
    kept = door.run(everything(door.world))
    told = "\n".join(
        [
            *(answer.text for answer in answers),
            *(str(answer.headers) for answer in answers),
            log.getvalue(),
        ]
    )
    assert "vault" in kept
    assert "outbox" in kept
    for pan in pans:
        for form in (
            pan,
            pan.encode().hex(),
            base64.b64encode(pan.encode()).decode()[:18],
            pan[6:-4] + pan[-4:],
        ):
            assert form not in told, "a card number was told"
            assert form not in kept, "a card number is kept in the clear"
    for code in codes:
        assert not stands_in(code, told)
        assert not stands_in(code, kept)
    secrets = [
        shop.shop.keys.app_secret,
        shop.shop.webhook_key,
        shop.token,
        refresh.json()["refreshToken"],
    ]
    for secret in secrets:
        assert secret not in told
        assert secret not in kept


# what an error says to do
# -------------------------------------------------------------------------------------


@each(
    "url",
    [
        "http://localhost:9000/hook",
        "https://localhost/hook",
        "http://127.0.0.1/hook",
        "http://10.0.0.7:80/",
        "http://hooks.example.com/",
        "https://127.0.0.1:9000/",
    ],
)
def test_a_local_receiver_is_told_which_address_the_sandbox_takes(steady: Steady, url: str) -> None:
    [told] = fields_of(steady.shop.post("/webhooks", {"url": url}))["Url"]
    assert "http://127.0.0.1:PORT" in told
    assert "https" in told or "internet" in told


@each(
    ("changes", "field", "cure"),
    [
        ({"orderId": 1.5}, "OrderId", "text in quotes"),
        ({"payer": "Ana"}, "Payer", "in braces"),
        ({"orderItems": {}}, "OrderItems", "in brackets"),
        ({"mid": UNKNOWN}, "Mid", "Leave it out"),
        ({"siteId": "abc"}, "SiteId", "a GUID like"),
        ({"transaction__currency": "XXX"}, "Transaction.Currency", "like USD"),
        ({"transactionType": "CAPTURE"}, "TransactionType", "AUTHORIZATION or PURCHASE"),
        ({"paymentMethod__cardNumber": "my card"}, "PaymentMethod.CardNumber", "/tokenize"),
    ],
)
def test_a_refused_field_is_told_what_to_send_instead(
    steady: Steady, changes: dict[str, Any], field: str, cure: str
) -> None:
    assert cure in " ".join(fields_of(steady.shop.evaluate(**changes))[field])


def test_a_field_has_one_message_and_what_to_do_stands_in_a_header(shop: Caller) -> None:
    refused = shop.evaluate(expiryDateUtc="soon")
    assert fields_of(refused) == {"ExpiryDateUtc": ["The field ExpiryDateUtc is invalid."]}
    assert refused.headers["x-recoup-hint"] == (
        "ExpiryDateUtc: Send an ISO 8601 date and time like 2026-03-23T00:00:00Z."
    )
    shop.set(mit_mode="managed")
    missing = shop.evaluate(expiryDateUtc=None)
    assert fields_of(missing) == {"ExpiryDateUtc": ["The ExpiryDateUtc field is required."]}
    assert "three weeks ahead" in missing.headers["x-recoup-hint"]
    told = shop.post("/evaluate/check", shop.body(expiryDateUtc="soon")).json()["complaints"]
    assert [one["field"] for one in told] == ["ExpiryDateUtc"]
    assert "ISO 8601" in told[0]["text"]
    assert "x-recoup-hint" not in shop.evaluate(transaction__amount=0).headers


@pytest.mark.parametrize("given", ["", "soon", "2020-01-01T00:00:00Z"])
def test_an_expiry_is_not_checked_where_the_account_retries_by_itself(
    shop: Caller, given: str
) -> None:
    assert shop.evaluate(expiryDateUtc=given).status_code == 400
    shop.set(mit_mode="sync")
    assert shop.post("/evaluate/check", shop.body(expiryDateUtc=given)).json()["complaints"] == []
    assert shop.evaluate(expiryDateUtc=given).json()["status"] in ("APPROVED", "DECLINED")


@each("unseen", ["\a", "\x1b[2J", "\x9b2J", "\u202e", "\u2066", "a\nb"])
def test_an_id_that_a_terminal_would_obey_is_refused_by_its_field(
    shop: Caller, unseen: str
) -> None:
    odd = f"SO-{unseen}-1"
    for path, body, field in (
        ("/evaluate", evaluate_body(shop, orderId=odd), "OrderId"),
        ("/evaluate", evaluate_body(shop, idempotencyKey=odd), "IdempotencyKey"),
        ("/evaluate", evaluate_body(shop, transaction__id=odd), "Transaction.Id"),
        ("/evaluate", evaluate_body(shop, payer__id=odd), "Payer.Id"),
        ("/transmit", transmit_body(shop, orderId=odd), "OrderId"),
        ("/transmit", transmit_body(shop, transaction__id=odd), "Transaction.Id"),
    ):
        refused = shop.post(path, body)
        told = fields_of(refused)
        assert list(told) == [field], path
        assert "contains control characters" in told[field][0]
