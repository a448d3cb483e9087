"""Thousands of signed calls of all operations, most bent out of shape: never a 5xx, no answer
outside its schema, no trace of what was refused, never another merchant's word. The seed is fixed:
every run sends the same. `make prove` sends a hundred thousand others."""

import string
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.door import UNKNOWN
from tests.fuzzing import MANY, QUICK
from tests.rings import deep, drawn
from tests.stablecoin.door import Door
from tests.stablecoin.fuzzing import BENDS, PREFIX, WEIGHTS, Target, calls, send
from tests.stablecoin.signer import written

from recoup.main.stablecoin_api import OPERATIONS

pytestmark = deep("fuzz")

CASES = 2_500
NAMES = {f"{one.method} {one.path}": one for one in OPERATIONS}
_WHOLE = sum(WEIGHTS.get(name, 1) for name in NAMES)


@pytest.fixture(scope="module")
def kept(stable_door: Door) -> Target:
    return Target(stable_door)


@pytest.fixture
def target(kept: Target) -> Target:
    """Counted anew: other tests may have written in between."""
    kept.seen = kept.stand()
    return kept


@drawn("fuzz", "name", NAMES, 1)
def test_calls_bent_out_of_shape(target: Target, name: str) -> None:
    operation = NAMES[name]
    heard: set[int] = set()

    @settings(QUICK, max_examples=-(-CASES * WEIGHTS.get(name, 1) // _WHOLE))
    @given(calls(operation, target.known(operation)))
    def each(call: dict[str, Any]) -> None:
        heard.add(send(target, operation, call).status_code)

    each()
    assert set(operation.answers) <= heard, "what is told was never answered"
    assert heard & {400, 404, 409} or not (operation.body or operation.query), "nothing was refused"
    assert 404 in heard or "{id}" not in operation.path, "no id was missed"


@settings(QUICK, max_examples=round(250 * MANY))
@given(
    bend=st.sampled_from(sorted(BENDS)),
    operation=st.sampled_from(OPERATIONS),
    number=st.integers(1, 200),
)
def test_signatures_that_do_not_fit(target: Target, bend: str, operation: Any, number: int) -> None:
    code, how = BENDS[bend]
    body = written(target.known(operation)) if operation.body is not None else b""
    wire = target.sign(operation.method, target.path(operation), f"b=%2F%20{number}&a=c+d&", body)
    for _ in range(2):
        answer = target.send(how(wire, target, number))
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    answer = target.send(wire)
    assert answer.status_code in operation.answers, "it was refused for something else"
    target.spend(operation, answer)
    assert target.send(wire).json()["error"]["code"] == "replayed_request"


@settings(QUICK, max_examples=round(200 * MANY))
@given(
    content=st.binary(max_size=200),
    name=st.sampled_from([name for name, one in NAMES.items() if one.body]),
)
def test_bodies_of_any_bytes(target: Target, content: bytes, name: str) -> None:
    operation = NAMES[name]
    answer = target.send(target.sign(operation.method, target.path(operation), "", content))
    target.spend(operation, answer)
    assert (
        answer.status_code == 400 or name.endswith("refund") and b"amount" not in content
    )  # then it is all of it


@settings(QUICK, max_examples=round(150 * MANY))
@given(
    query=st.text(string.ascii_letters + string.digits + "=&%+._-;", max_size=60),
    name=st.sampled_from([name for name, one in NAMES.items() if one.query]),
)
def test_queries_of_any_kind(target: Target, query: str, name: str) -> None:
    assert target.send(target.sign("GET", NAMES[name].path, query)).status_code in (200, 400)


@settings(QUICK, max_examples=round(200 * MANY))
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
    parts=st.lists(
        st.sampled_from(
            [
                "orders",
                "charges",
                "webhook",
                "refund",
                "cancel",
                "me",
                "subscriptions",
                "pause",
                "ledger",
                UNKNOWN,
                "%00",
                "%2F",
                "%ff",
                "%C3%A9",
                "..",
                "%20",
                "%E2%80%AE",
            ]
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_paths_and_methods_of_any_kind(target: Target, method: str, parts: list[str]) -> None:
    path = f"{PREFIX}/{'/'.join(parts)}"
    wire = target.sign(method, path, "", b"{}" if method in ("POST", "PUT") else b"")
    if httpx.URL(path).path.startswith(f"{PREFIX}/"):
        target.send(wire)
    else:  # `..` led out of this API
        call = target.door.client.request(method, path, content=wire.body, headers=wire.headers)
        assert target.door.run(call).status_code < 500  # noqa: PLR2004


def test_the_merchant_is_whole_after_all_that(target: Target) -> None:
    merchant = target.merchant
    assert merchant.paid()["status"] == "paid"
    assert merchant.get("/orders", "limit=200").status_code == 200
    merchant.settle()
    target.door.verified(merchant)
    target.door.verified(target.other)
