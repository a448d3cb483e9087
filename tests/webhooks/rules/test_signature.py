"""Webhook signatures, pinned by the contract's vector and by the public one
of Standard Webhooks."""

from datetime import UTC, datetime, timedelta

import pytest

from recoup.orders.rules.signature import http_date, sign, standard_headers, verify

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
NONCE = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
DATE = "Mon, 02 Mar 2026 09:15:31 GMT"
HOST = "hooks.merchant.example"
BODY = (
    b'{"Event":"order.completed","TimeStamp":"2026-03-02T09:15:30.120000Z","EventData":null,'
    b'"ExternalOrderId":"SUB-7731-2026-03","OrderId":"5f0d3c52-8a6e-4c0b-9a55-0f8a1b7e2c41",'
    b'"ConfirmationId":"9C41D0AF","IsTestMode":true,"IsResent":false}'
)
NOW = datetime(2026, 3, 2, 9, 15, 31, tzinfo=UTC)
SIGNED = sign(KEY, HOST, NONCE, DATE, BODY)


def test_the_contracts_vector() -> None:
    assert SIGNED == {
        "x-fc-nonce": NONCE,
        "x-fc-date": DATE,
        "x-fc-content-sha512": (
            "kzzD3Frr6ooHXlVpIUAcLcNz2e9HaWEcCiFNsZmhEWnF"
            "KaZH+2gsoO/UFR2FR3Z3HK/D2sucER57tfgW+mjLkw=="
        ),
        "x-fc-authorization": (
            "HMAC-SHA512 SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature="
            "3PbQGKNFg1NpYA29d7AqMz81ojqRgl2WjnyuLjn59sGR"
            "GiXjA0R+Eb7+unIx3srcPI9Dvy6VU1OUAqvlp08BYg=="
        ),
        "x-fc-signature": (
            "A899srHJdNi9xse9gRjXTJnfIC2M1bNk0AMrRHZdxQMm"
            "Z/PEq7znnBblaV7ip4/702JIMTwNIkDemYaNNf1tHQ=="
        ),
    }


def test_the_date_is_gmt_and_english() -> None:
    assert http_date(NOW + timedelta(milliseconds=700)) == DATE


def test_what_was_signed_verifies_whatever_the_headers_case() -> None:
    assert verify(KEY, HOST, {name.title(): value for name, value in SIGNED.items()}, BODY, now=NOW)


@pytest.mark.parametrize("name", SIGNED)
def test_a_missing_or_changed_header_is_refused(name: str) -> None:
    missing = {key: value for key, value in SIGNED.items() if key != name}
    assert not verify(KEY, HOST, missing, BODY)
    for changed in ("", "é", SIGNED[name] + "x", SIGNED[name][:-3] + "A=="):
        assert not verify(KEY, HOST, {**SIGNED, name: changed}, BODY)


def test_another_body_host_key_or_time_is_refused() -> None:
    assert not verify(KEY, HOST, SIGNED, BODY + b" ")
    assert not verify(KEY, "hooks.merchant.example:443", SIGNED, BODY)
    assert not verify("AAAA", HOST, SIGNED, BODY)
    assert verify(KEY, HOST, SIGNED, BODY, now=NOW + timedelta(seconds=300))
    assert not verify(KEY, HOST, SIGNED, BODY, now=NOW + timedelta(seconds=301))
    assert not verify(KEY, HOST, SIGNED, BODY, now=NOW - timedelta(seconds=301))
    for date in (
        "",
        "today",
        "2026-03-02T09:15:31Z",
        "Mon, 02 Mar 2026 09:15:31",
        "Mon, 99 Mar 2026 09:15:31 GMT",
    ):
        assert not verify(KEY, HOST, sign(KEY, HOST, NONCE, date, BODY), BODY, now=NOW)


def test_a_key_that_is_not_base64_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="base64"):
        sign("not base64!", HOST, NONCE, DATE, BODY)


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD = standard_headers(
    [SECRET],
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    datetime.fromtimestamp(1614265330, UTC),
    b'{"test": 2432232314}',
)


def test_the_public_vector_of_standard_webhooks() -> None:
    assert STANDARD == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_a_key_is_replaced_both_sign() -> None:
    """Standard Webhooks: several signatures, each with its version, apart by a space; one that fits
    is enough."""
    now, other = datetime.fromtimestamp(1614265330, UTC), "whsec_" + "A" * 32
    headers = standard_headers(
        [other, SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", now, b'{"test": 2432232314}'
    )
    first, second = headers["webhook-signature"].split(" ")
    assert second == STANDARD["webhook-signature"]
    assert first.startswith("v1,")
