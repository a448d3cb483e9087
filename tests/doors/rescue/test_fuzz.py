"""Valid calls bent out of shape, some five thousand in all: never a 500, every answer in its schema, and no trace of
what was refused. The seed is fixed: every run sends the same."""

import copy
import json
import string
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.doors.rescue import shapes
from tests.doors.rescue.door import APPROVES, FUNDS, UNKNOWN, Door, tokenize_body, transmit_body
from tests.doors.rescue.shapes import check_refused, check_tokenized, typed

QUICK = settings(database=None, derandomize=True, deadline=None, print_blob=False,
                 suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large,
                                        HealthCheck.function_scoped_fixture])  # fmt: skip
REFUSED = {400, 401, 404, 405, 409, 413}

# what is put in a field's place -------------------------------------------------------------------------------

NUMBERS = st.sampled_from([0, -1, 1, 0.5, 1e-9, 1e300, -0.0, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**40,
                           100_000_001])
ODD = st.sampled_from([
    "", " ", "null", "true", "0", "-1", "1e3", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\u202eabc", "é" * 300,
    "😀" * 70, "x" * 257, "x" * 5000, "9" * 25, "1" * 5000, "٣٤", "²", "²" * 16, "２０２", "{}", "%00", "../..",
    "<script>", "'; DROP TABLE orders; --", "\r\nx: y", "2026-02-30", "9999-12-31", "0000-00-00T00:00Z", "now", UNKNOWN,
    "Mon, 02 Mar 2026 09:15:31 +99999999999999", UNKNOWN.upper(), "{" + UNKNOWN + "}", "urn:uuid:" + UNKNOWN, APPROVES,
    FUNDS, APPROVES + "\n", " ".join(APPROVES), "-".join(APPROVES), "USD", "usd", "BTC", "inf", "nan",
])  # fmt: skip
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40) | st.text(string.printable, max_size=20)
SCALARS = st.none() | st.booleans() | NUMBERS | ODD | TEXTS | st.floats(allow_nan=False,
                                                                        allow_infinity=False) | st.integers(-(2**64),
                                                                                                            2**64)
DEEP = st.integers(1, 60).map(lambda depth: json.loads('{"a":[' * depth + "1" + "]}" * depth))
JUNK = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | ODD, inner,
                                                                                         max_size=4),
                                                                                         max_leaves=8) | DEEP


def _places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every way to something inside."""
    found = []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        found += [(*way, name), *_places(inner, (*way, name))]
    return found


@st.composite
def bent(draw: st.DrawFn, body: Any) -> Any:
    """The body after one to three mutations; now and then something else altogether."""
    if draw(st.integers(0, 30)) == 0:
        return draw(JUNK)
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        places = _places(body)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        inner = body
        for name in way:
            inner = inner[name]
        what = draw(st.sampled_from(["replace", "replace", "replace", "drop", "wrap", "text", "case", "twice", "add"]))
        if what == "replace":
            inner[last] = draw(JUNK)
        elif what == "drop":
            del inner[last]
        elif what == "wrap":
            inner[last] = draw(st.sampled_from([[inner[last]], {"value": inner[last]}, [[[inner[last]]]],
                                                {"": inner[last]}]))
        elif what == "text":
            inner[last] = str(inner[last])
        elif isinstance(inner, dict) and what == "case":
            inner[draw(st.sampled_from([str.upper, str.lower, str.title]))(last)] = inner.pop(last)
        elif isinstance(inner, dict) and what == "twice":
            inner[last.swapcase()] = draw(JUNK)
        elif isinstance(inner, dict):
            inner[draw(TEXTS)] = draw(JUNK)
    return body


# the calls ----------------------------------------------------------------------------------------------------


class Target:
    """One merchant with an open order, a paid order and a transmission, and what every answer is held against."""

    def __init__(self, door: Door) -> None:
        self.door, self.shop = door, door.shop()
        self.token = self.shop.token_for(APPROVES)
        self.items = [{"sku": "TEA", "name": "Tea", "amount": 1000, "quantity": 3}]
        at_once = {"expiryDateUtc": None, "transaction__responseCode": "91", "transaction__amount": 90_000_000}
        self.paid = self.shop.admit(**at_once, orderItems=self.items)
        self.open = self.shop.admit(paymentMethod__cardNumber=FUNDS)
        self.transmission = self.shop.post("/transmit", transmit_body(self.shop)).json()["transmitId"]
        self.counts = door.counts()

    def call(self, method: str, path: str, body: Any, **more: Any) -> httpx.Response:
        """Refused calls leave every table as it was."""
        if body is not None:
            more["content"] = json.dumps(body).encode()
        headers = {"content-type": "application/json"} | more.pop("headers", {})
        answer = self.shop.call(method, path, headers=headers, **more)
        counts = self.door.counts()
        if answer.status_code >= 400:
            assert answer.status_code in REFUSED
            check_refused(answer)
            assert counts == self.counts, {k: (self.counts[k], v) for k, v in counts.items() if self.counts[k] != v}
        self.counts = counts
        return answer


@pytest.fixture(scope="module")
def kept(door: Door) -> Target:
    return Target(door)


@pytest.fixture
def target(kept: Target) -> Target:
    """Counted anew: other tests may have written in between."""
    kept.counts = kept.door.counts()
    return kept


def check_evaluated(answer: httpx.Response) -> None:
    told = typed(answer, shapes.Evaluated)
    assert told.status in ("SUBMITTED", "APPROVED", "DECLINED", "CANCELLED")
    assert told.success is (told.status in ("SUBMITTED", "APPROVED"))


def evaluate_of(target: Target) -> dict[str, Any]:
    body = target.shop.body(orderItems=target.items, siteUrl="https://leaf.example.test", customerIp="203.0.113.24",
                            senseKey="s")
    return body | {"shippingInformation": dict(body["billingInformation"]), "correlationId": "c",
                   "transactionType": "PURCHASE"}


def sync_of(target: Target) -> dict[str, Any]:
    body = target.shop.body(paymentMethod={"cardNumber": target.token, "Token": True}, transaction__responseCode="91")
    del body["expiryDateUtc"]
    return body


# name -> method, path, a valid body, what a success looks like, how many
Body = Callable[[Target], dict[str, Any]]
CASES: dict[str, tuple[str, Callable[[Target], str], Body, Callable[[httpx.Response], Any], int]] = {
    "evaluate": ("POST", lambda t: "/evaluate", evaluate_of, check_evaluated, 1200),
    "evaluate sync": ("POST", lambda t: "/evaluate", sync_of, check_evaluated, 400),
    "transmit": ("POST", lambda t: "/transmit", lambda t: transmit_body(t.shop),
                 lambda a: typed(a, shapes.Transmitted), 600),
    "transmit again": ("POST", lambda t: "/transmit", lambda t: {"transmitId": t.transmission, "isDeclined": True,
                                                                 "refund": {"amount": 5, "reason": "r"}},
                       lambda a: typed(a, shapes.Transmitted), 200),
    "transmit update": ("PATCH", lambda t: f"/transmit/{t.transmission}",
                        lambda t: {"outcome": "APPROVED", "chargeback": {"id": "c", "amount": 1, "status": "open"},
                                   "transaction": {"responseCode": "00"}},
                        lambda a: typed(a, shapes.Transmitted), 300),
    "tokenize": ("POST", lambda t: "/tokenize", lambda t: tokenize_body(APPROVES) | {"mid": t.shop.mid},
                 check_tokenized, 500),
    "outcome": ("POST", lambda t: "/outcome", lambda t: {"orderSessionKey": t.open, "mid": t.shop.mid},
                lambda a: typed(a, shapes.Outcome), 200),
    "refund": ("POST", lambda t: f"/orders/{t.paid}/refund",
               lambda t: {"amountToRefund": 0.01, "refundMessage": "m", "mid": t.shop.mid, "currency": "USD",
                          "idempotencyKey": str(uuid.uuid4())},
               lambda a: typed(a, shapes.Refunded), 500),
    "refund items": ("POST", lambda t: f"/orders/{t.paid}/refund",
                     lambda t: {"items": [{"sku": "TEA", "amount": 1}, {"line": 1, "amount": 1}]},
                     lambda a: typed(a, shapes.Refunded), 300),
    "cancel": ("POST", lambda t: f"/orders/{t.paid}/cancel", lambda t: {"reason": "r"},
               lambda a: typed(a, shapes.Nothing), 100),
    "webhooks": ("POST", lambda t: "/webhooks", lambda t: {"url": "https://hooks.merchant.example.com/a",
                                                           "events": ["order.completed"], "format": "rescue",
                 "ownKey": True, "mid": t.shop.mid}, lambda a: typed(a, shapes.Endpoint), 400),
    "token": ("POST", lambda t: "/oauth2/token", lambda t: {"AppKey": t.shop.shop.keys.app_key,
                                                            "AppSecret": t.shop.shop.keys.app_secret},
              lambda a: typed(a, shapes.Token), 200),
    "refresh": ("POST", lambda t: "/oauth2/refresh", lambda t: {"refreshToken": "r"}, lambda a: typed(a, shapes.Token),
                100),
}  # fmt: skip


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CASES)
def test_bodies_bent_out_of_shape(target: Target, name: str) -> None:
    method, path, body, check, number = CASES[name]
    valid = body(target)
    seen: set[int] = set()

    @settings(QUICK, max_examples=number)
    @given(bent(valid))
    def send(sent: Any) -> None:
        answer = target.call(method, path(target), sent)
        seen.add(answer.status_code)
        if answer.status_code < 300:
            check(answer)

    send()
    assert 400 in seen or name == "cancel"


LIST_NAMES = st.sampled_from(["query", "status", "from", "to", "mid", "orderBy", "sort", "pageSize", "pageNumber", "x",
                              "", "STATUS"])
GOOD = st.sampled_from(["0", "7", "1", "2", "asc", "desc", "amount", "createdOn", "processedOn",
                        "2026-03-01T00:00:00Z", "2026-03-01 00:00:00+02:00", "ana"])
VALUES = GOOD | ODD.filter(lambda text: not any("\ud800" <= one <= "\udfff" for one in text)) | TEXTS


@settings(QUICK, max_examples=500)
@given(pairs=st.lists(st.tuples(LIST_NAMES, VALUES), max_size=5))
def test_lists_asked_for_in_any_way(target: Target, pairs: list[tuple[str, str]]) -> None:
    answer = target.call("GET", "/orders", None, params=pairs)
    if answer.status_code == 200:
        page = typed(answer, shapes.Orders).orders
        assert len(page.data) <= page.pageSize
        assert page.totalItemCount >= len(page.data)


@settings(QUICK, max_examples=200)
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

    scope = {"type": "http", "method": "GET", "path": "/v1/orders", "raw_path": b"/v1/orders", "query_string": raw,
             "scheme": "http",
             "headers": [(b"authorization", target.shop.headers["authorization"].encode())],
             "client": ("192.0.2.7", 5), "root_path": ""}  # fmt: skip
    await target.door.app(scope, receive, send)
    return httpx.Response(got["status"], headers=got["headers"], content=got["body"])


@settings(QUICK, max_examples=300)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
    parts=st.lists(st.sampled_from(["orders", "webhooks", "transmit", "evaluate", "refund", "cancel", "oauth2",
                                    "token", UNKNOWN, "%00", "%2F",
                                    "%ff", "é", "..", "a b", "0", "%E2%80%AE"]), min_size=1, max_size=4),
)  # fmt: skip
def test_paths_and_methods_of_any_kind(target: Target, method: str, parts: list[str]) -> None:
    answer = target.shop.call(method, "/" + "/".join(parts), json={} if method in ("POST", "PATCH") else None)
    if answer.status_code >= 400 and method != "HEAD":
        check_refused(answer)


@settings(QUICK, max_examples=200)
@given(value=ODD.filter(str.isascii) | st.text(string.ascii_letters + string.digits + "._-= :", max_size=60),
       kind=st.sampled_from(["Bearer ", "ApiKey ", "ApiKey a:", ""]))
def test_credentials_of_any_kind(target: Target, value: str, kind: str) -> None:
    text = (kind + value).replace("\r", "").replace("\n", "").replace("\0", "")
    check_refused(target.shop.call("GET", "/orders", headers={"authorization": text}), 401)


def test_the_merchant_is_whole_after_all_that(target: Target) -> None:
    assert target.shop.evaluate().json()["status"] == "SUBMITTED"
    assert target.shop.get("/orders?pageSize=200").status_code == 200
