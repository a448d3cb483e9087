"""Whatever is sent, signed, is answered in the dialect: never a 5xx, never another merchant's word."""

import string
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.doors.stablecoin.door import Door, Merchant

from recoup.doors.stablecoin.errors import TABLE

CODES = {code.code for code in TABLE.values()}
FIELDS = (
    "merchant_order_id", "amount", "currency", "channel", "network", "subject", "description", "metadata", "customer",
    "return_url", "cancel_url", "expires_in_seconds", "title", "interval_unit", "interval_count", "total_cycles",
    "billing_anchor", "ends_at", "destination", "destination_type", "url", "events", "encrypt", "reason",
)  # fmt: skip
GOOD: dict[str, Any] = {
    "merchant_order_id": "fuzz", "amount": "1.00", "currency": "USDT", "channel": "mock", "title": "T",
    "interval_unit": "day", "destination": "tron:x", "url": "https://shop.example/hooks",
}  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40) | st.sampled_from(["1.00", "USDT", "mock", "https://a.example", "2031-01-01T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6,
)  # fmt: skip
bodies = st.dictionaries(st.sampled_from(FIELDS), values, max_size=6).map(lambda changes: GOOD | changes)
paths = st.sampled_from(["/charges", "/payouts", "/subscriptions", "/webhook"])
kept: dict[int, Merchant] = {}


def merchant_of(door: Door) -> Merchant:
    """One for all examples: each takes a merchant's while."""
    if id(door) not in kept:
        kept[id(door)] = door.merchant()
    return kept[id(door)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=paths, body=bodies)
def test_bodies(door: Door, path: str, body: dict[str, Any]) -> None:
    answer = merchant_of(door).call("PUT" if path == "/webhook" else "POST", path, body)
    if answer.status_code >= 400:
        assert answer.json()["error"]["code"] in CODES
    else:
        assert answer.status_code in (200, 201)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), path=paths)
def test_bytes(door: Door, content: bytes, path: str) -> None:
    answer = merchant_of(door).call("POST", path, content)
    assert answer.status_code in (200, 201, 400, 405)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(string.ascii_letters + string.digits + "=&%+._-", max_size=60), path=st.sampled_from(
    ["/orders", "/ledger", "/payouts", "/subscriptions", "/wallets", "/channels", "/me"]))  # fmt: skip
def test_queries(door: Door, query: str, path: str) -> None:
    answer = merchant_of(door).get(path, query)
    assert answer.status_code in (200, 400), answer.text
