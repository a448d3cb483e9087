"""Five thousand calls of all operations, most bent out of shape: never a 500, no answer outside its
schema, no trace of what was refused. The seed is fixed: every run sends the same. `make prove`
sends a hundred thousand others."""

import string
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.door import UNKNOWN, Door
from tests.fuzzing import MANY, ODD, QUICK, bent
from tests.rescue_fuzzing import WEIGHTS, Target, calls, evaluate_sync, send
from tests.rescue_shapes import check_refused
from tests.rings import deep, drawn

from recoup.main.api import OPERATIONS

pytestmark = deep("fuzz")

CASES = 5_000
NAMES = {f"{one.method} {one.path}": one for one in OPERATIONS}
WORKED = {
    "POST /v1/webhooks/{id}/test": {502},
    "POST /v1/partner/webhooks/{id}/test": {502},
    "POST /v1/oauth2/refresh": {400},
    "GET /v1/backtests/{id}": {404},
    "GET /v1/backtests/{id}/payments": {404},
    "GET /v1/reports/certificates/{id}": {404},
    "GET /v1/reports/certificates/{id}/file": {404},
}  # nobody listens; no token is left; no month is over
_WHOLE = sum(WEIGHTS.get(name, 1) for name in NAMES)


@pytest.fixture(scope="module")
def kept(door: Door) -> Target:
    return Target(door)


@pytest.fixture
def target(kept: Target) -> Target:
    """Counted anew: other tests may have written in between."""
    kept.make_room()
    return kept


@pytest.mark.timeout(300)
@drawn("fuzz", "name", NAMES, 6)
def test_calls_bent_out_of_shape(target: Target, name: str) -> None:
    operation = NAMES[name]
    known = target.known(operation)
    heard: set[int] = set()

    @settings(QUICK, max_examples=-(-CASES * WEIGHTS.get(name, 1) // _WHOLE))
    @given(calls(operation, known))
    def each(call: dict[str, Any]) -> None:
        if len(heard) and target.made % 40 == 39:
            target.make_room()
        heard.add(send(target, operation, call).status_code)

    each()
    assert heard & WORKED.get(name, {200, 201, 202, 204}), "nothing was taken at all"
    assert heard & {400, 404} or operation.body is None, "nothing was refused"


@settings(QUICK, max_examples=round(300 * MANY))
@given(data=st.data())
def test_synchronous_calls_bent_out_of_shape(target: Target, data: st.DataObject) -> None:
    target.call("POST", "/evaluate", data.draw(bent(evaluate_sync(target))))


@settings(QUICK, max_examples=round(200 * MANY))
@given(raw=st.binary(max_size=60))
def test_queries_of_any_bytes(target: Target, raw: bytes) -> None:
    answer = target.door.run(_raw_query(target, raw))
    assert answer.status_code in {200, 400}
    if answer.status_code == 400:
        check_refused(answer)


async def _raw_query(target: Target, raw: bytes) -> httpx.Response:
    """Straight into the application: no client would send this."""
    got: dict[str, Any] = {"body": b""}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        got["body"] += message.get("body", b"")
        got.update({name: message[name] for name in ("status", "headers") if name in message})

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/orders",
        "raw_path": b"/v1/orders",
        "query_string": raw,
        "scheme": "http",
        "headers": [(b"authorization", target.shop.headers["authorization"].encode())],
        "client": ("192.0.2.7", 5),
        "root_path": "",
    }
    await target.door.app(scope, receive, send)
    return httpx.Response(got["status"], headers=got["headers"], content=got["body"])


@settings(QUICK, max_examples=round(300 * MANY))
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
    parts=st.lists(
        st.sampled_from(
            [
                "orders",
                "webhooks",
                "transmit",
                "evaluate",
                "refund",
                "cancel",
                "oauth2",
                "sites",
                "token",
                "test",
                "deliveries",
                UNKNOWN,
                "%00",
                "%2F",
                "%ff",
                "é",
                "..",
                "a b",
                "0",
                "%E2%80%AE",
            ]
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_paths_and_methods_of_any_kind(target: Target, method: str, parts: list[str]) -> None:
    answer = target.shop.call(
        method, "/" + "/".join(parts), json={} if method in ("POST", "PATCH", "PUT") else None
    )
    if answer.status_code >= 400 and method != "HEAD":
        check_refused(answer)


@settings(QUICK, max_examples=round(200 * MANY))
@given(
    value=ODD.filter(str.isascii)
    | st.text(string.ascii_letters + string.digits + "._-= :", max_size=60),
    kind=st.sampled_from(["Bearer ", "ApiKey ", "ApiKey a:", ""]),
)
def test_credentials_of_any_kind(target: Target, value: str, kind: str) -> None:
    text = (kind + value).replace("\r", "").replace("\n", "").replace("\0", "")
    check_refused(target.shop.call("GET", "/orders", headers={"authorization": text}), 401)


def test_the_merchant_is_whole_after_all_that(target: Target) -> None:
    assert target.shop.evaluate().json()["status"] == "SUBMITTED"
    assert target.shop.get("/orders?pageSize=200").status_code == 200
