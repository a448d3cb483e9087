"""Access tokens: what is signed, and every way to be refused."""

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.outside.keys.jwt import access_claims, sign, verify

KEY = b"k" * 32
NOW = datetime(2026, 3, 2, 9, 15, 31, 250000, tzinfo=UTC)
SECONDS = 1772442931


def claims() -> dict[str, Any]:
    audience = ["payments", "orders"]
    return access_claims(
        client_id="c", mid="m", audience=audience, world="sandbox", token_id="t", now=NOW
    )


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(header: object, body: object, key: bytes = KEY, digest: str = "sha256") -> str:
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(body).encode())}"
    return f"{signed}.{b64(hmac.digest(key, signed.encode(), digest))}"


def test_the_claims_are_those_of_the_contract() -> None:
    assert claims() == {
        "sub": "c",
        "unique_name": "c",
        "jti": "t",
        "iat": "1772442931250",
        "aud": ["payments", "orders"],
        "custom:mid": "m",
        "custom:world": "sandbox",
        "nbf": SECONDS,
        "exp": SECONDS + 600,
        "iss": "Api-Client-Service",
    }


def test_a_token_is_valid_for_ten_minutes() -> None:
    token = sign(claims(), KEY)
    for at in (SECONDS, SECONDS + 599):
        assert verify(token, [KEY], at) == claims()
    for at in (SECONDS - 1, SECONDS + 600):
        with pytest.raises(Problem) as caught:
            verify(token, [KEY], at)
        assert caught.value.code == "unauthenticated"
    assert verify(token, [KEY], SECONDS + 605, skew_seconds=10)


def test_the_known_vector_of_the_standard() -> None:
    """RFC 7515 A.1 signs with the same function; its claims have no nbf, so the signature is
    compared only.
    """
    key = base64.urlsafe_b64decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow=="
    )
    signed = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
        "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    assert (
        b64(hmac.digest(key, signed.encode(), "sha256"))
        == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )


def test_an_older_key_still_verifies_and_a_strange_one_does_not() -> None:
    token = sign(claims(), KEY)
    assert verify(token, [b"n" * 32, KEY], SECONDS)
    with pytest.raises(Problem):
        verify(token, [b"n" * 32], SECONDS)
    with pytest.raises(Problem):
        verify(token, [], SECONDS)


HS256 = {"alg": "HS256", "typ": "JWT"}
REFUSED = {
    "no algorithm": f"{b64(json.dumps({'alg': 'none'}).encode())}."
    f"{b64(json.dumps(claims()).encode())}.",
    "algorithm none, signed": forge({"alg": "none"}, claims()),
    "algorithm in lower case": forge({"alg": "hs256"}, claims()),
    "another hash": forge({"alg": "HS512"}, claims(), digest="sha512"),
    "header is a list": forge(["HS256"], claims()),
    "body is a list": forge(HS256, [claims()]),
    "expiry as text": forge(HS256, {**claims(), "exp": str(SECONDS + 600)}),
    "expiry as fraction": forge(HS256, {**claims(), "exp": SECONDS + 600.5}),
    "expiry true": forge(HS256, {**claims(), "exp": True}),
    "expiry far away": forge(HS256, {**claims(), "exp": 1 << 41}),
    "no expiry": forge(HS256, {k: v for k, v in claims().items() if k != "exp"}),
    "no begin": forge(HS256, {k: v for k, v in claims().items() if k != "nbf"}),
    "another issuer": forge(HS256, {**claims(), "iss": "someone"}),
    "two parts": sign(claims(), KEY).rsplit(".", 1)[0],
    "four parts": sign(claims(), KEY) + ".x",
    "padding": sign(claims(), KEY) + "=",
    "blank": sign(claims(), KEY) + " ",
    "too long": forge(HS256, {**claims(), "x": "x" * 5000}),
    "deep": f"{b64(b'[' * 2000)}.e30.{b64(b'x' * 32)}",
    "nothing": "",
    "garbage": "a.b.c",
    "not text": forge(HS256, claims()).replace(".", ".é", 1),
}


@each("name", REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(Problem) as caught:
        verify(REFUSED[name], [KEY], SECONDS)
    assert caught.value.code == "unauthenticated"


def test_no_second_spelling_of_a_signature() -> None:
    token = sign(claims(), KEY)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for last in alphabet:
        if last != token[-1]:
            with pytest.raises(Problem):
                verify(token[:-1] + last, [KEY], SECONDS)
