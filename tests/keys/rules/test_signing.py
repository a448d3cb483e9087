"""Signatures to the byte: the vectors of the contract, the vendor's published answers, and what
must not fit."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.rings import each
from tests.stablecoin.signer import signature

from recoup.keys.rules.signing import (
    canonical,
    encrypt_webhook,
    is_fresh,
    same,
    seconds_of,
    sign,
    sign_webhook,
)

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "vectors.json").read_text()
)
DEMO = "sk_test_demo_secret_do_not_use_in_prod"
CHARGE = b'{"merchant_order_id":"order-1","amount":"9.99","currency":"USD","channel":"mock"}'
PUBLISHED = [
    (
        "POST",
        "/api/v1/charges",
        "",
        CHARGE,
        "fbce91414009ef3082bf67da7dd3aee87d67fa5d4dcba566eac09e92c5830df4",
    ),
    (
        "GET",
        "/api/v1/orders/ord_123",
        "",
        b"",
        "86280caf5ae7f6842e05ed3a2f38b5cef541847c090a3d2afff7b0e18162eadf",
    ),
    (
        "GET",
        "/api/v1/orders",
        "status=paid&limit=10",
        b"",
        "d37ea8487c6ceb4b8fc240e599676e5c16fe0ce00e8ec8f84a4b2cfe05f21611",
    ),
    (
        "GET",
        "/api/v1/orders",
        "z=1&z=2&a=3",
        b"",
        "cb5b5b6ffcd9aa36af1feaeb5f7b9b4a646747c742c25506e57c0e19d84c63d2",
    ),
    (
        "GET",
        "/api/v1/orders",
        "k=\uffff&k=\U0001f600",
        b"",
        "8ce75843f0114c71df06118982b4da9e1af70742cd68ec78985462dd9b546ace",
    ),
]


def ours(secret: str, method: str, path: str, query: str, timestamp: str, body: bytes) -> str:
    return sign(secret.encode(), canonical(method, path.encode(), query.encode(), timestamp, body))


@each("vector", VECTORS["requests"])
def test_request_vectors(vector: dict[str, Any]) -> None:
    given = (
        vector["method"],
        vector["path"],
        vector["raw_query"],
        vector["timestamp"],
        vector["body"].encode(),
    )
    method, path, query, timestamp, body = given
    assert (
        canonical(method, path.encode(), query.encode(), timestamp, body).decode()
        == vector["canonical"]
    )
    assert ours(vector["secret"], *given) == vector["signature"]
    assert ours(vector["secret"], method.lower(), *given[1:]) == vector["signature"]
    assert signature(vector["secret"], *given) == vector["signature"]


@pytest.mark.parametrize(("method", "path", "query", "body", "expected"), PUBLISHED)
def test_published_answers(method: str, path: str, query: str, body: bytes, expected: str) -> None:
    assert ours(DEMO, method, path, query, "1750000000", body) == expected


def test_four_lines_do_not_fit() -> None:
    wrong = VECTORS["negative"][0]
    charge = next(v for v in VECTORS["requests"] if v["name"] == "charge_create_tron")
    assert sign(charge["secret"].encode(), wrong["canonical"].encode()) == wrong["wrong_signature"]
    given = (charge["method"], charge["path"], "", charge["timestamp"], charge["body"].encode())
    assert not same(wrong["wrong_signature"], ours(charge["secret"], *given))


@pytest.mark.parametrize("vector", VECTORS["webhooks"], ids=lambda v: v["name"])
def test_webhook_vectors(vector: dict[str, Any]) -> None:
    assert (
        sign_webhook(vector["secret"], vector["timestamp"], vector["body"].encode())
        == vector["signature"]
    )


def test_the_encrypted_envelope() -> None:
    vector = VECTORS["envelopes"][0]
    made = encrypt_webhook(
        vector["secret"], bytes.fromhex(vector["nonce_hex"]), vector["plaintext"].encode()
    )
    assert made.decode() == vector["envelope"]
    assert (
        sign_webhook(vector["secret"], vector["timestamp"], made)
        == vector["signature_over_envelope"]
    )


@pytest.mark.parametrize("given", ["", "ABCDEF", "é" * 64, "0" * 63])
def test_what_is_no_signature_fits_nothing(given: str) -> None:
    expected = sign(b"secret", b"message")
    assert not same(given, expected)
    assert not same(expected.upper(), expected)
    assert same(expected, expected)


@each("text", ["", " 1790000000", "+1790000000", "1790000000.0", "0x1", "１２３", "-1", "1" * 13])
def test_a_timestamp_is_a_plain_number(text: str) -> None:
    assert seconds_of(text) is None


def test_a_timestamp_is_fresh_within_300_seconds() -> None:
    now = datetime.fromtimestamp(1_790_000_000, UTC)
    assert [is_fresh(1_790_000_000 + s, now) for s in (-301, -300, 0, 300, 301)] == [
        False,
        True,
        True,
        True,
        False,
    ]
