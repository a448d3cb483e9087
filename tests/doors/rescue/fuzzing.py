"""Calls of every operation, some as they are told, most bent out of shape; and what every answer is held against.

Bodies and queries are drawn from the operations' own Structs, mixed with one that is known to be taken, then bent.
"""

import copy
import json
import string
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from msgspec import inspect as mi
from tests.doors.rescue.door import APPROVES, FUNDS, GONE, UNKNOWN, Door, tokenize_body, transmit_body

from recoup.doors.edge.described import Operation

QUICK = settings(database=None, derandomize=True, deadline=None, print_blob=False,
                 suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much,
                                        HealthCheck.function_scoped_fixture])  # fmt: skip
REFUSED = {400, 401, 403, 404, 405, 409, 413, 502}

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
SCALARS = (st.none() | st.booleans() | NUMBERS | ODD | TEXTS | st.floats(allow_nan=False, allow_infinity=False)
           | st.integers(-(2**64), 2**64))  # fmt: skip
DEEP = st.integers(1, 60).map(lambda depth: json.loads('{"a":[' * depth + "1" + "]}" * depth))
JUNK = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | ODD, inner, max_size=4), max_leaves=8
) | DEEP  # fmt: skip
DATES = st.sampled_from(["2026-03-02T09:20:11Z", "2030-01-01T00:00:00+02:00", "Mon, 02 Mar 2026 09:15:31 GMT"])


def told(kind: Any) -> st.SearchStrategy[Any]:
    """Values that the schema of this type allows."""
    return _of(mi.type_info(kind))


def _of(info: mi.Type) -> st.SearchStrategy[Any]:
    match info:
        case mi.Metadata():
            return DATES if (info.extra_json_schema or {}).get("format") == "date-time" else _of(info.type)
        case mi.StructType():
            return _object(info)
        case mi.UnionType():
            return st.one_of([_of(one) for one in info.types])
        case mi.StrType(pattern=str() as pattern):
            return st.from_regex(pattern, fullmatch=True, alphabet=st.characters(codec="ascii"))
        case mi.StrType():
            return st.text(max_size=min(info.max_length or 30, 30), min_size=info.min_length or 0)
        case mi.IntType():
            return st.integers(info.ge if info.ge is not None else -(2**40), info.le if info.le is not None else 2**40)
        case mi.ListType():
            return st.lists(_of(info.item_type), max_size=3)
        case mi.DictType():
            return st.dictionaries(_of(info.key_type), _of(info.value_type), max_size=3)
        case mi.BoolType():
            return st.booleans()
        case mi.NoneType():
            return st.none()
        case mi.UUIDType():
            return st.uuids().map(str) | st.just(UNKNOWN)
    return JUNK


@st.composite
def _object(draw: st.DrawFn, info: mi.StructType) -> dict[str, Any]:
    """What is required, and a few of the others."""
    needed = [field for field in info.fields if field.required]
    other = [field for field in info.fields if not field.required]
    chosen = draw(st.lists(st.sampled_from(other), max_size=4, unique_by=id)) if other else []
    return {field.encode_name: draw(_of(field.type)) for field in [*needed, *chosen]}


def _places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every way to something inside."""
    found = []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        found += [(*way, name), *_places(inner, (*way, name))]
    return found


@st.composite
def bent(draw: st.DrawFn, body: Any, times: int = 3) -> Any:
    """The body after up to so many mutations; now and then something else altogether."""
    if draw(st.integers(0, 30)) == 0:
        return draw(JUNK)
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(min(times, 1), times))):
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


@st.composite
def mixed(draw: st.DrawFn, shape: type[msgspec.Struct], known: dict[str, Any]) -> dict[str, Any]:
    """A body as the shape allows it, some of its members as they are known to be taken."""
    made: dict[str, Any] = draw(told(shape))
    for name, value in known.items():
        if draw(st.integers(0, 3)):
            made[name] = value
    return made


# the calls ----------------------------------------------------------------------------------------------------

_MARKS = """
SELECT (SELECT sum(version) FROM merchants WHERE merchant_id = $1) || ' '
  || (SELECT coalesce(sum(version), 0) FROM orders WHERE merchant_id = $1) || ' '
  || (SELECT coalesce(md5(string_agg(s::text, '' ORDER BY site_id)), '') FROM sites s WHERE merchant_id = $1) || ' '
  || (SELECT coalesce(md5(string_agg(e::text, '' ORDER BY endpoint_id)), '') FROM endpoints e WHERE merchant_id = $1)
  AS marks
"""


class Target:
    """One merchant with an open order, a paid one, a transmission, a site and an endpoint, and how its tables stand."""

    def __init__(self, door: Door) -> None:
        self.door, self.shop = door, door.shop()
        shop = self.shop
        self.token = shop.token_for(APPROVES)
        self.items = [{"sku": "TEA", "name": "Tea", "amount": 1000, "quantity": 3}]
        at_once = {"expiryDateUtc": None, "transaction__responseCode": "91", "transaction__amount": 90_000_000}
        self.paid = shop.admit(**at_once, orderItems=self.items)
        self.open = shop.admit(paymentMethod__cardNumber=FUNDS)
        hold = {"isMIT": False, "expiryDateUtc": GONE, "transactionType": "AUTHORIZATION"}
        self.held = shop.admit(**hold, customerIp="203.0.113.24")
        self.transmission = shop.post("/transmit", transmit_body(shop)).json()["transmitId"]
        self.made = 0
        self.site = self.new_site()
        self.endpoint = self.new_endpoint()
        self.seen = self.stand()

    def new_site(self) -> str:
        self.made += 1
        body = {"url": f"https://s{self.made}.example", "name": "Fuzz", "descriptor": "EXAMPLEFUZZ"}
        return str(self.shop.post("/sites", body).json()["id"])

    def new_endpoint(self) -> str:
        """Where nobody listens."""
        return str(self.shop.post("/webhooks", {"url": "http://127.0.0.1:9/"}).json()["id"])

    def stand(self) -> dict[str, Any]:
        """Rows of every table, and marks of the rows that may change."""
        marks = self.door.run(self.door.counting.value(_MARKS, self.shop.shop.merchant_id))
        return self.door.counts() | {"marks": marks}

    def make_room(self) -> None:
        """There is an end to how many sites and endpoints a merchant has."""
        shop, sites = self.shop.shop, [uuid.UUID(self.site), self.shop.shop.site_id]
        self.door.sql("UPDATE endpoints SET state = 'deleted' WHERE merchant_id = $1 AND endpoint_id <> $2",
                      shop.merchant_id, uuid.UUID(self.endpoint))  # fmt: skip
        self.shop.call("PATCH", f"/sites/{shop.site_id}", json={"isDefault": True, "mit": True})
        self.door.sql("UPDATE sites SET retired_at = now() WHERE merchant_id = $1 AND site_id <> ALL($2::uuid[])",
                      shop.merchant_id, sites)  # fmt: skip
        self.door.services.merchants.forget(shop.merchant_id)
        self.seen = self.stand()

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Refused calls leave everything as it was. The answer's shape is checked by the door."""
        if body is not None:
            more["content"] = json.dumps(body).encode()
        headers = {"content-type": "application/json"} | more.pop("headers", {})
        answer = self.shop.call(method, path, headers=headers, allow_5xx=path.endswith("/test"), **more)
        before, self.seen = self.seen, self.stand()
        if answer.status_code >= 400:
            assert answer.status_code in REFUSED, answer.text
            assert self.seen == before, {k: (before[k], v) for k, v in self.seen.items() if before[k] != v}
        return answer

    def known(self, operation: Operation) -> dict[str, Any]:
        """A body that the operation takes."""
        made = KNOWN.get(f"{operation.method} {operation.path}")
        return made(self) if made is not None else {}

    def path(self, operation: Operation) -> str:
        """With an id for which it works."""
        found = operation.path.removeprefix("/v1")
        if "/orders/" in found:
            which = self.paid if found.endswith("refund") else self.open
        elif "/transmit/" in found:
            which = self.transmission
        elif operation.method == "DELETE":
            which = self.new_site() if "/sites/" in found else self.new_endpoint()
            self.seen = self.stand()
        else:
            which = self.site if "/sites/" in found else self.endpoint
        return found.replace("{id}", which)


def _evaluate(target: Target) -> dict[str, Any]:
    body = target.shop.body(orderItems=target.items, siteUrl="https://leaf.example.test", customerIp="203.0.113.24",
                            senseKey="s")
    return body | {"shippingInformation": dict(body["billingInformation"]), "correlationId": "c",
                   "transactionType": "PURCHASE"}


def evaluate_sync(target: Target) -> dict[str, Any]:
    return target.shop.body(paymentMethod={"cardNumber": target.token, "Token": True}, expiryDateUtc=GONE,
                            transaction__responseCode="91")


def _amend(target: Target) -> dict[str, Any]:
    placed = target.door.run(target.shop.shop.now())
    return {"cardToken": target.token, "metadata": {"a": "1", "b": None}, "doNotRetry": True,
            "expiryDateUtc": (placed + timedelta(days=20)).isoformat()}


def _site(target: Target) -> dict[str, Any]:
    target.made += 1
    return {"url": f"https://s{target.made}.example", "name": "Fuzz", "descriptor": "EXAMPLEFUZZ", "mit": True}


def _hook(_: Target) -> dict[str, Any]:
    return {"url": "https://hooks.merchant.example.com/a", "events": ["order.completed"], "format": "rescue"}


KNOWN: dict[str, Callable[[Target], dict[str, Any]]] = {
    "POST /v1/capture": lambda t: {"idempotencyKey": "c", "orderId": t.held, "amount": 4590, "currency": "USD"},
    "POST /v1/evaluate": _evaluate,
    "POST /v1/transmit": lambda t: transmit_body(t.shop),
    "PATCH /v1/transmit/{id}": lambda t: {
        "outcome": "APPROVED", "chargeback": {"id": "c", "amount": 1, "status": "open"},
        "transaction": {"responseCode": "00"}},
    "POST /v1/tokenize": lambda t: tokenize_body(APPROVES) | {"mid": t.shop.mid},
    "POST /v1/outcome": lambda t: {"orderSessionKey": t.open, "mid": t.shop.mid},
    "POST /v1/orders/{id}/refund": lambda t: {
        "amountToRefund": 0.01, "refundMessage": "m", "mid": t.shop.mid, "currency": "USD",
        "idempotencyKey": str(uuid.uuid4())},
    "POST /v1/orders/{id}/cancel": lambda t: {"reason": "r"},
    "PATCH /v1/orders/{id}": _amend,
    "POST /v1/webhooks": lambda t: _hook(t) | {"ownKey": True, "mid": t.shop.mid},
    "PUT /v1/webhooks/{id}": lambda t: _hook(t) | {"state": "active"},
    "PATCH /v1/webhooks/{id}": lambda t: _hook(t) | {"state": "disabled"},
    "POST /v1/webhooks/{id}/test": lambda t: {"event": "order.expired"},
    "POST /v1/sites": _site, "PUT /v1/sites/{id}": _site, "PATCH /v1/sites/{id}": _site,
    "POST /v1/oauth2/token": lambda t: {"AppKey": t.shop.shop.keys.app_key, "AppSecret": t.shop.shop.keys.app_secret},
    "POST /v1/oauth2/refresh": lambda t: {"refreshToken": "r"},
}  # fmt: skip
# How much of the whole each operation gets; 1 where nothing is said.
WEIGHTS = {"POST /v1/evaluate": 14, "POST /v1/transmit": 6, "POST /v1/tokenize": 5, "POST /v1/orders/{id}/refund": 7,
           "PATCH /v1/orders/{id}": 4, "PATCH /v1/transmit/{id}": 3, "GET /v1/orders": 6, "POST /v1/webhooks": 3,
           "POST /v1/sites": 3, "PATCH /v1/sites/{id}": 2, "PATCH /v1/webhooks/{id}": 2, "POST /v1/oauth2/token": 2,
           "POST /v1/outcome": 2}  # fmt: skip
IDS = st.sampled_from([None, None, None, None, UNKNOWN, "x", "%00", "%2F..", "é", "0"])


@st.composite
def calls(draw: st.DrawFn, operation: Operation, known: dict[str, Any]) -> dict[str, Any]:
    """`id` in the path's place, None for one that works; `body`, `params`."""
    call: dict[str, Any] = {"id": draw(IDS) if "{id}" in operation.path else None, "body": None, "params": None}
    if operation.body is not None:
        body = draw(mixed(operation.body, known)) if draw(st.booleans()) else known
        call["body"] = draw(bent(body)) if draw(st.integers(0, 4)) else body
    if operation.query is not None:
        given = {k: v for k, v in draw(told(operation.query)).items() if v is not None}
        many = {name: value if isinstance(value, list) else [value] for name, value in given.items()}
        pairs = [(name, str(one).lower() if isinstance(one, bool) else str(one)) for name in many for one in many[name]]
        names = st.sampled_from([f.encode_name for f in msgspec.structs.fields(operation.query)] + ["", "X", "STATUS"])
        odd = ODD.filter(lambda text: not any("\ud800" <= one <= "\udfff" for one in text)) | TEXTS
        extra = draw(st.lists(st.tuples(names, odd), max_size=3)) if draw(st.booleans()) else []
        call["params"] = pairs + extra
    return call


def send(target: Target, operation: Operation, call: dict[str, Any]) -> httpx.Response:
    path = target.path(operation) if call["id"] is None else operation.path.removeprefix("/v1").replace(
        "{id}", call["id"])  # fmt: skip
    more = {"params": call["params"]} if call["params"] else {}
    return target.call(operation.method, path, call["body"], **more)
