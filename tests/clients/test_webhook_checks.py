"""The client's checks of webhooks against what the server signs: right ones pass, each bent one
fails."""

import base64
import json
from datetime import UTC, datetime
from typing import Any, assert_type, cast

import pytest
from tests.rings import each

from recoup.keys.rules.signing import encrypt_webhook, sign_webhook
from recoup.orders.rules.signature import http_date, sign, standard_headers
from recoup_client import RescueEvent, SignatureError, StandardEvent, construct_event

KEY = base64.b64encode(bytes(range(64))).decode()
NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
AT = NOW.timestamp()
BODY = json.dumps({"Event": "order.completed", "note": "é"}).encode()


def rescue(body: bytes = BODY, host: str = "shop.test:8443", at: float = AT) -> Any:
    signed = sign(KEY, "shop.test:8443", "0" * 32, http_date(NOW), BODY)
    headers = {name.title(): value for name, value in signed.items()}
    return construct_event(body, {**headers, "Host": host}, KEY, now=at)


def standard(body: bytes = BODY, key: str = KEY, at: float = AT) -> Any:
    keys = [base64.b64encode(b"new").decode(), KEY]  # a key is being replaced
    return construct_event(body, standard_headers(keys, "evt_1", NOW, BODY), key, now=at)


def stablecoin(body: bytes = BODY, at: float = AT, secret: str = "whsec_a") -> Any:
    stamp = str(int(AT))
    headers = {
        "X-Fluxa-Timestamp": stamp,
        "X-Fluxa-Signature": sign_webhook("whsec_a", stamp, BODY),
    }
    return construct_event(body, headers, secret, now=at)


def test_what_the_server_signed_is_the_event() -> None:
    assert rescue() == standard() == stablecoin() == json.loads(BODY)
    assert construct_event(BODY.decode(), signed_as("shop.test"), KEY, now=AT) == json.loads(BODY)


def test_its_type_has_the_names_of_events() -> None:
    """mypy checks the words, and says where a comparison can never hold."""
    event = construct_event(BODY, signed_as("shop.test"), KEY, now=AT)
    assert_type(event, RescueEvent)
    assert event["Event"] == "order.completed"
    assert event["Event"] != "order.eaten"  # type: ignore[comparison-overlap]
    assert_type(cast(StandardEvent, {"data": {}})["data"], dict[str, Any])


def test_behind_a_proxy_the_receiver_names_its_public_host() -> None:
    headers = signed_as("hooks.shop.test") | {"Host": "10.0.0.7:8080"}
    assert construct_event(BODY, headers, KEY, host="hooks.shop.test", now=AT) == json.loads(BODY)


def signed_as(host: str) -> dict[str, str]:
    return sign(KEY, host, "0" * 32, http_date(NOW), BODY) | {"host": host}


def test_an_encrypted_event_arrives_in_the_clear() -> None:
    stamp, sealed = str(int(AT)), encrypt_webhook("whsec_a", bytes(12), BODY)
    headers = {
        "x-fluxa-timestamp": stamp,
        "x-fluxa-signature": sign_webhook("whsec_a", stamp, sealed),
        "x-fluxa-encryption": "A256GCM",
    }
    assert construct_event(sealed, headers, "whsec_a", now=AT) == json.loads(BODY)


@each(
    "bent, words",
    [
        (lambda: rescue(BODY + b" "), "does not fit"),
        (lambda: rescue(host="other.test"), "'other.test' here"),
        (lambda: rescue(at=AT + 301), "301 s ago"),
        (lambda: standard(BODY + b" "), "does not fit"),
        (
            lambda: standard(key=base64.b64encode(b"x" * 64).decode()),
            "`recoup listen` prints a key of",
        ),
        (lambda: standard(key="no base64!"), "not base64"),
        (lambda: standard(at=AT - 301), "301 s ahead"),
        (lambda: stablecoin(BODY + b" "), "does not fit"),
        (lambda: stablecoin(secret="whsec_b"), "does not fit"),
        (lambda: stablecoin(at=AT + 301), "Check the clock"),
        (lambda: construct_event(BODY, {}, KEY), "No header"),
        (
            lambda: construct_event(BODY, {"x-fc-authorization": "&Signature="}, KEY),
            "x-fc-date is no date",
        ),
        (
            lambda: construct_event(
                BODY, {"x-fc-authorization": "", "x-fc-date": "Mon, 99 Foo"}, KEY
            ),
            "no date",
        ),
        (
            lambda: construct_event(BODY, {"webhook-signature": "v1,"}, KEY),
            "webhook-timestamp is no number",
        ),
        (lambda: stamped("²"), "no number"),
        (lambda: stamped("1" * 5_000), "no number"),
    ],
)
def test_what_somebody_else_sent_is_refused_in_words(bent: Any, words: str) -> None:
    with pytest.raises(SignatureError, match=words):
        bent()


def stamped(stamp: str) -> Any:
    return construct_event(BODY, {"x-fluxa-timestamp": stamp, "x-fluxa-signature": "0"}, "whsec_a")


@each("secret", ["", "whsec_"])
def test_an_empty_secret_signs_nothing(secret: str) -> None:
    """A variable that was not set took what anybody had signed with nothing."""
    for headers in (
        standard_headers([""], "evt_1", NOW, BODY),
        {"X-Fluxa-Signature": "", "X-Fluxa-Timestamp": "1"},
    ):
        with pytest.raises(SignatureError, match="The secret is empty"):
            construct_event(BODY, headers, secret, now=AT)
