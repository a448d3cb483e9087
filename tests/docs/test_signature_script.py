"""The browser's signature, by the contract's answers: what it signs, the doors must know."""

import hashlib
import hmac
import json
import subprocess
from pathlib import Path

import playwright
import pytest

NODE = str(Path(playwright.__file__).parent / "driver/node")
SCRIPT = Path(__file__).resolve().parents[2] / "src/recoup/docs/static/signature.js"
PUBLISHED = "sk_test_demo_secret_do_not_use_in_prod"
OURS = "sk_test_vector_secret_0001"
RUN = """
const { signature } = await import(process.argv[1]);
console.log(await signature(process.argv[2], JSON.parse(process.argv[3])));
"""


def signed(secret: str, **call: str) -> str:
    told = json.dumps({"query": "", "body": ""} | call)
    command = [NODE, "--input-type=module", "-e", RUN, SCRIPT.as_uri(), secret, told]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (
            {
                "method": "POST",
                "path": "/api/v1/charges",
                "body": (
                    '{"merchant_order_id":"order-1","amount":"9.99",'
                    '"currency":"USD","channel":"mock"}'
                ),
            },
            "fbce91414009ef3082bf67da7dd3aee87d67fa5d4dcba566eac09e92c5830df4",
        ),
        (
            {"method": "get", "path": "/api/v1/orders/ord_123"},
            "86280caf5ae7f6842e05ed3a2f38b5cef541847c090a3d2afff7b0e18162eadf",
        ),
        (
            {"method": "GET", "path": "/api/v1/orders", "query": "status=paid&limit=10"},
            "d37ea8487c6ceb4b8fc240e599676e5c16fe0ce00e8ec8f84a4b2cfe05f21611",
        ),
        (
            {"method": "GET", "path": "/api/v1/orders", "query": "z=1&z=2&a=3"},
            "cb5b5b6ffcd9aa36af1feaeb5f7b9b4a646747c742c25506e57c0e19d84c63d2",
        ),
    ],
)
def test_the_contract_s_answers(call: dict[str, str], answer: str) -> None:
    assert signed(PUBLISHED, stamp="1750000000", **call) == answer


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("limit=1&", "eee8ac257d3d2a592c62b25e0753e56348c27152dbba3668d52106c1e25aa7c0"),
        (
            "merchant_order_id=a%2Fb%20c&limit=1",
            "91aa4d6772028ad10a0274c69d34df4901eb766f98458532e3c121db9261b0f8",
        ),
        (
            "status=paid&status=expired&limit=5",
            "94e114e85eda3590421e0cded359b66378075493d435e1e8d61869486acdbc1e",
        ),
    ],
)
def test_queries_that_trip_signers(query: str, answer: str) -> None:
    assert (
        signed(OURS, stamp="1790000000", method="GET", path="/api/v1/orders", query=query) == answer
    )


def test_a_query_is_sorted_as_bytes_where_utf_16_would_sort_otherwise() -> None:
    query = "k=\N{GRINNING FACE}&k=\uffff&k"
    told = "\n".join(
        [
            "GET",
            "/api/v1/orders",
            "k&k=\uffff&k=\N{GRINNING FACE}",
            "1",
            hashlib.sha256(b"").hexdigest(),
        ]
    )
    wanted = hmac.new(b"s", told.encode(), hashlib.sha256).hexdigest()
    assert signed("s", method="GET", path="/api/v1/orders", stamp="1", query=query) == wanted
