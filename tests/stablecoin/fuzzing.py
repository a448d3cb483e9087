"""Signed calls of every operation, some as they are told, most bent out of shape; and signatures
that do not fit."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote, quote_plus, unquote
from uuid import UUID

import httpx
from hypothesis import strategies as st
from tests.door import UNKNOWN
from tests.fuzzing import TEXTS, Watched, bodies, queries
from tests.stablecoin.door import Door, Merchant
from tests.stablecoin.signer import Signer, signature

from recoup.kernel.ids import parse_wire_id, wire_id
from recoup.kit.edge.described import Operation

PREFIX = "/api/v1"
REFUSED = {400, 401, 403, 404, 405, 409, 413}
_MARKED = (
    "merchants",
    "orders",
    "order_heads",
    "attempts",
    "requests",
    "modifications",
    "payouts",
    "subscriptions",
    "endpoints",
    "due_work",
)
_MARKS = "SELECT " + " || ' ' || ".join(
    f"(SELECT '{name}:' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {name} t WHERE "
    f"merchant_id = $1)"
    for name in _MARKED
)
REFUNDS_MAX = 25  # of one order


@dataclass(frozen=True)
class Wire:
    """A call as it goes over the wire, signed."""

    method: str
    path: str
    query: str
    body: bytes
    headers: dict[str, str]


class Target(Watched):
    """A merchant with orders and subscriptions in every state, another one, and how the tables of
    both stand."""

    def __init__(self, door: Door) -> None:
        self.door, self.merchant, self.other = (
            door,
            door.merchant(),
            door.merchant(name="Other & Sons"),
        )
        merchant, other = self.merchant, self.other
        self.number: Iterator[int] = iter(range(10**9))
        self.spent: set[str] = set()
        self.refunds = 0
        expiring = merchant.charge(expires_in_seconds=60)["order"]["id"]
        merchant.advance(seconds=61)
        direct = merchant.paid(channel="mock_direct")["id"]
        merchant.settle()
        self.made: dict[str, Callable[[], str]] = {
            "open": lambda: str(merchant.charge()["order"]["id"]),
            "paid": lambda: str(merchant.paid(amount="900000.00")["id"]),
            "active": lambda: subscription_of(merchant),
            "paused": lambda: subscription_of(merchant, "pause"),
            "ending": lambda: subscription_of(merchant),
        }
        self.ids = {kind: make() for kind, make in self.made.items()}
        called_off = merchant.charge()["order"]["id"]
        merchant.post(f"/orders/{called_off}/cancel")
        failed = merchant.charge()
        merchant.press(failed, "fail")
        refunded = merchant.paid()["id"]
        merchant.post(f"/orders/{refunded}/refund")
        canceled = subscription_of(merchant, "cancel")
        rescue = wire_id("ord", door.run(merchant.shop.admit()))
        self.ids |= {
            "expired": expiring,
            "direct": direct,
            "called off": called_off,
            "failed": failed["order"]["id"],
            "refunded": refunded,
            "canceled": canceled,
            "rescue": rescue,
            "payment": failed["payment"]["id"],
            "their order": other.paid()["id"],
            "their subscription": subscription_of(other),
            "upper": str(self.ids["open"]).upper(),
            "plain": str(parse_wire_id("ord", self.ids["open"])),
            "as subscription": self.ids["open"].replace("ord_", "sub_"),
            "as order": self.ids["active"].replace("sub_", "ord_"),
            "nobody's order": wire_id("ord", UUID(UNKNOWN)),
            "nobody's subscription": wire_id("sub", UUID(UNKNOWN)),
        }
        merchant.call("PUT", "/webhook", {"url": "https://shop.example/hooks"})
        self.seen = self.stand()
        self.theirs = self.marks(other)

    def marks(self, merchant: Merchant) -> dict[str, str]:
        """Of each table's rows of this merchant."""
        told = self.door.run(self.door.counting.value(_MARKS, merchant.shop.merchant_id))
        return dict(part.split(":") for part in told.split())

    def stand(self) -> dict[str, Any]:
        return self.door.counts() | {
            f"marks of {name}": mark for name, mark in self.marks(self.merchant).items()
        }

    def sign(self, method: str, path: str, query: str = "", body: bytes = b"") -> Wire:
        """With path and query as the client writes them."""
        raw = httpx.URL(
            "http://door.test" + path + (f"?{query}" if query else "")
        ).raw_path.decode()
        path, _, query = raw.partition("?")
        return Wire(
            method, path, query, body, self.merchant.signer.headers(method, path, query, body)
        )

    def send(self, wire: Wire, headers: dict[str, str] | None = None) -> httpx.Response:
        """Refused calls leave everything as it was, and no call touches the other merchant's. The
        answer's shape is checked by the door."""
        given = [
            (n.encode(), v.encode("latin-1")) for n, v in ((headers or {}) | wire.headers).items()
        ]
        url = wire.path + (f"?{wire.query}" if wire.query else "")
        answer = self.checked(
            self.door.call(wire.method, url, content=wire.body, headers=given), REFUSED
        )
        assert self.marks(self.other) == self.theirs
        return answer

    def known(self, operation: Operation) -> dict[str, Any]:
        """A body that the operation takes."""
        made = KNOWN.get(f"{operation.method} {operation.path}")
        found = made(self) if made is not None else {}
        self.seen = self.stand()
        return found

    def path(self, operation: Operation, which: str | None = None) -> str:
        """`which`: one of `ids`, or a text in an id's place; None for an id with which it works."""
        if which is None and "{id}" in operation.path:
            which = self.fitting(operation)
            if which in self.spent:
                self.ids[which] = self.made[which]()
                self.spent.discard(which)
                self.seen = self.stand()
        found = self.ids.get(which or "", which or "")
        return operation.path.replace("{id}", quote(found, safe="%"))

    def fitting(self, operation: Operation) -> str:
        verb = operation.path.rpartition("/")[2]
        if "/orders/" in operation.path:
            return "paid" if verb == "refund" else "open"
        return {"resume": "paused", "cancel": "ending"}.get(verb, "active")

    def spend(self, operation: Operation, answer: httpx.Response, which: str | None = None) -> None:
        """What it worked with may be of no use now. `which`: as in `path`."""
        verb = operation.path.rpartition("/")[2]
        if answer.status_code >= 400 or "{id}" not in operation.path:
            return
        if verb in ("cancel", "pause", "resume"):
            self.spent.add(which if which in self.made else self.fitting(operation))
        elif verb == "refund":
            self.refunds += 1
            if answer.json()["order"]["status"] == "refunded" or self.refunds % REFUNDS_MAX == 0:
                self.spent.add("paid")


def subscription_of(merchant: Merchant, verb: str = "") -> str:
    """Its id; after `verb`, if there is one."""
    body = {"title": "Pro", "amount": "9.99", "currency": "USDT", "interval_unit": "month"}
    found = str(merchant.post("/subscriptions", body).json()["subscription"]["id"])
    if verb:
        assert merchant.post(f"/subscriptions/{found}/{verb}").status_code == 200
    return found


# the calls
# --------------------------------------------------------------------------------------------------


def _subscription(target: Target) -> dict[str, Any]:
    now = target.door.run(target.merchant.shop.now())
    return {
        "title": "Pro plan",
        "amount": "9.99",
        "currency": "USDT",
        "interval_unit": "month",
        "interval_count": 1,
        "channel": "mock",
        "customer": "cust-7",
        "total_cycles": 12,
        "metadata": {"plan": "pro"},
        "billing_anchor": (now + timedelta(days=1)).isoformat(),
        "return_url": "https://shop.example/thanks",
        "ends_at": (now + timedelta(days=900)).isoformat(),
    }


def _payout(target: Target) -> dict[str, Any]:
    target.merchant.paid(amount="900000.00")  # what is there may have been refunded
    return {
        "amount": "0.01",
        "currency": "USDT",
        "destination": "mock:wallet",
        "destination_type": "crypto",
    }


KNOWN: dict[str, Callable[[Target], dict[str, Any]]] = {
    "POST /api/v1/charges": lambda t: {
        "merchant_order_id": "fuzz",
        "amount": "49.90",
        "currency": "USDT",
        "channel": "mock",
        "subject": "Pro plan",
        "description": "One year",
        "metadata": {"plan": "pro", "ö": "✓"},
        "return_url": "https://shop.example/thanks",
        "cancel_url": "https://shop.example/cart",
        "expires_in_seconds": 60,
        "customer": "cust-7",
    },
    "POST /api/v1/orders/{id}/refund": lambda t: {"amount": "0.01", "reason": "r"},
    "PUT /api/v1/webhook": lambda t: {
        "url": "https://shop.example/hooks",
        "events": ["payment.succeeded", "order.expired"],
        "encrypt": True,
    },
    "POST /api/v1/payouts": _payout,
    "POST /api/v1/subscriptions": _subscription,
}
# What comes close to what is taken.
NEAR: dict[str, list[Any]] = {
    "amount": [
        "0.000001",
        "0.0000001",
        "999999999",
        "999999999.999999",
        "1000000000",
        "1e2",
        "1.",
        ".5",
        "01",
        "+1",
        "-0",
        "0.0",
        "٣",
        "1\n",
        " 1",
        "1_0",
        "9" * 30,
        1,
        1.5,
        "Infinity",
        "0x1",
        "900000",
        "900000.01",
    ],
    "currency": ["USDC", "USD", "JPY", "KWD", "usdt", "USDT ", "XXX", "DOGE"],
    "channel": ["mock_direct", "usdt_trc20", "stripe", "", "MOCK", "mock "],
    "network": ["tron", "base", ""],
    "merchant_order_id": [
        "",
        " ",
        "x" * 128,
        "é" * 128,
        "😀" * 128,
        "x" * 129,
        "a/b?c=d&e",
        "{id}",
    ],
    "return_url": [
        "",
        "https://é.example/",
        "https://a@b.example",
        "http://[::1]/",
        "https://x:99999/",
        "//x",
    ],
    "url": [
        "",
        "https://localhost/",
        "https://10.0.0.1/",
        "http://shop.example/",
        "https://é.example/",
        "https://[::1",
        "https://shop.example:0/",
        "https://" + "a" * 2100 + ".example",
        "https://shop.example/%00",
    ],
    "events": [
        [],
        ["payment.succeeded"] * 60,
        ["order.expired"],
        ["PAYMENT.SUCCEEDED"],
        [""],
        ["x" * 5000],
        [[]],
    ],
    "destination": ["x" * 512, "x" * 513, "ab", "mock:fail", "   ", "tron:\u202e"],
    "billing_anchor": [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2030-01-01T00:00:00",
    ],
    "ends_at": ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59Z"],
    "interval_count": [0, 366, 367, 2**31, -1],
    "total_cycles": [0, 1, 10_000, 10_001, -1],
    "expires_in_seconds": [59, 60, 86400, 86401, 60.0],
    "metadata": [
        {},
        {"": ""},
        {str(n): "x" * 500 for n in range(50)},
        {"é" * 64: "\u202e"},
        {"__proto__": "1"},
    ],
}
# How much of the whole each operation gets; 1 where nothing is said.
WEIGHTS = {
    f"{method} {PREFIX}{path}": weight
    for method, path, weight in (
        ("POST", "/charges", 14),
        ("POST", "/orders/{id}/refund", 9),
        ("POST", "/payouts", 7),
        ("POST", "/subscriptions", 9),
        ("PUT", "/webhook", 6),
        ("GET", "/orders", 6),
        ("GET", "/subscriptions", 3),
        ("GET", "/payouts", 2),
        ("GET", "/ledger", 2),
        ("GET", "/orders/{id}", 4),
        ("POST", "/orders/{id}/cancel", 4),
        ("POST", "/orders/{id}/checkout", 2),
        ("GET", "/subscriptions/{id}", 2),
        ("POST", "/subscriptions/{id}/pause", 3),
        ("POST", "/subscriptions/{id}/resume", 3),
        ("POST", "/subscriptions/{id}/cancel", 3),
    )
}
IDS = st.sampled_from(
    [
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        "open",
        "paid",
        "direct",
        "expired",
        "called off",
        "failed",
        "refunded",
        "rescue",
        "payment",
        "active",
        "paused",
        "canceled",
        "their order",
        "their order",
        "their subscription",
        "their subscription",
        "upper",
        "plain",
        "as subscription",
        "as order",
        "nobody's order",
        "nobody's subscription",
        UNKNOWN,
        "x",
        "0",
        "ord_",
        "sub_" + "z" * 26,
        "ord_" + "0" * 25 + "é",
        "%00",
        "%2F..",
        "..",
        "é",
        "%ff",
        "%0a",
        "orders",
        "refund",
        "ord_" + "0" * 9_000,
    ]
)
KEYS = (
    st.none()
    | st.integers(0, 30).map("k-{}".format)
    | st.sampled_from(["", " ", "x" * 128, "x" * 129, "é", "\x01", "k-1 ", "\t"])
)
KINDS = st.sampled_from(
    [
        None,
        *["application/json"] * 40,
        "application/json; charset=utf-8",
        "Application/JSON",
        "",
        "application/problem+json",
        "text/xml",
        "application/json; charset=latin-1",
        "é",
    ]
)
LANGUAGES = st.sampled_from(
    [None, None, None, "de", "zh;q=1", "fr;q=nan", "es;q=1e999,de;q=-1", "*", ";;,,", "é"]
)
SPELT = st.sampled_from([str, str, str, str, str, str, lambda path: path + "/",
                         lambda path: path.replace("/", "//")[1:],
                         lambda path: path.replace("v1", "%761")])  # fmt: skip
QUOTED = st.sampled_from(
    [quote, quote_plus, lambda text: quote(text, safe=""), lambda text: quote(text, safe="%&=;")]
)


@st.composite
def calls(draw: st.DrawFn, operation: Operation, known: dict[str, Any]) -> dict[str, Any]:
    """`id`: as `Target.path` takes it; `body`: bytes; `query`, `headers`, and how the path is
    spelt."""
    call: dict[str, Any] = {
        "id": draw(IDS) if "{id}" in operation.path else None,
        "body": b"",
        "query": "",
    }
    if operation.body is not None:
        known = (
            known | {"merchant_order_id": f"fuzz-{draw(st.integers(0, 300))}"}
            if "subject" in known
            else known
        )
        close = draw(near(known))
        call["body"] = draw(
            written(draw(bodies(operation.body, close)) if draw(st.booleans()) else close)
        )
    elif operation.method == "POST" and not draw(st.integers(0, 3)):
        call["body"] = draw(
            st.sampled_from([b"{}", b"null", b"[]", b"{", b'{"amount":1}', b"\xff"])
        )
    pairs = draw(queries(operation.query)) if operation.query is not None else []
    if operation.query is None and not draw(st.integers(0, 5)):
        pairs = draw(st.lists(st.tuples(TEXTS, TEXTS), max_size=3))
    how = draw(QUOTED)
    call["query"] = "&".join(f"{how(name)}={how(value)}" for name, value in pairs)
    given = {
        "idempotency-key": draw(KEYS),
        "content-type": draw(KINDS),
        "accept-language": draw(LANGUAGES),
    }
    call["headers"] = {name: value for name, value in given.items() if value is not None}
    return call | {"spelt": draw(SPELT)}


@st.composite
def near(draw: st.DrawFn, known: dict[str, Any]) -> dict[str, Any]:
    """Up to two members that come close to what is taken, or are."""
    names = sorted(set(known) & set(NEAR))
    chosen = draw(st.lists(st.sampled_from(names), max_size=2, unique=True)) if names else []
    return known | {name: draw(st.sampled_from(NEAR[name])) for name in chosen}


@st.composite
def written(draw: st.DrawFn, body: Any) -> bytes:
    """As JSON, now and then in an odd writing."""
    plain = json.dumps(body).encode()
    how = draw(st.integers(0, 60))
    odd = [
        b"",
        b"\xef\xbb\xbf" + plain,
        plain[:-1],
        plain + b"x",
        json.dumps(body, indent=1).encode(),
        plain[:-1] + b',"amount":"1","amount":"2"}',
    ]
    return odd[how] if how < len(odd) else plain


def send(target: Target, operation: Operation, call: dict[str, Any]) -> httpx.Response:
    path = call["spelt"](target.path(operation, call["id"]))
    answer = target.send(
        target.sign(operation.method, path, call["query"], call["body"]), call["headers"]
    )
    target.spend(operation, answer, call["id"])
    return answer


# signatures
# --------------------------------------------------------------------------------------------------


def _lines(wire: Wire, target: Target, lines: list[str]) -> Wire:
    made = hmac.new(
        target.merchant.signer.secret.encode(), "\n".join(lines).encode(), "sha256"
    ).hexdigest()
    return replace(wire, headers=wire.headers | {"X-Signature": made})


def _five(wire: Wire) -> list[str]:
    return [
        wire.method,
        wire.path,
        "&".join(sorted(wire.query.split("&"))),
        wire.headers["X-Timestamp"],
        hashlib.sha256(wire.body).hexdigest(),
    ]


def _over(wire: Wire, target: Target, **changes: Any) -> Wire:
    """The same call under the signature of another one."""
    other = replace(wire, **changes)
    made = signature(
        target.merchant.signer.secret,
        other.method,
        other.path,
        other.query,
        wire.headers["X-Timestamp"],
        other.body,
    )
    return replace(wire, headers=wire.headers | {"X-Signature": made})


def _at(wire: Wire, target: Target, timestamp: str) -> Wire:
    """Well signed, at that time."""
    made = signature(
        target.merchant.signer.secret, wire.method, wire.path, wire.query, timestamp, wire.body
    )
    return replace(wire, headers=wire.headers | {"X-Timestamp": timestamp, "X-Signature": made})


def _with(name: str, value: Callable[[str], str]) -> Callable[[Wire, Target, int], Wire]:
    return lambda wire, target, n: replace(
        wire, headers=wire.headers | {name: value(wire.headers[name])}
    )


def _without(name: str) -> Callable[[Wire, Target, int], Wire]:
    return lambda wire, target, n: replace(
        wire, headers={k: v for k, v in wire.headers.items() if k != name}
    )


def _stranger(wire: Wire, key_id: str, secret: str) -> Wire:
    return replace(
        wire, headers=Signer(key_id, secret).headers(wire.method, wire.path, wire.query, wire.body)
    )


_SIGNED = ("X-Api-Key", "X-Timestamp", "X-Signature")
# What is done to a call that is well signed -> what is heard. The number is any from 1 to 200.
BENDS: dict[str, tuple[str, Callable[[Wire, Target, int], Wire]]] = {
    **{f"no {name}": ("missing_auth", _without(name)) for name in _SIGNED},
    **{f"empty {name}": ("missing_auth", _with(name, lambda v: "")) for name in _SIGNED},
    "unknown key": (
        "invalid_api_key",
        _with("X-Api-Key", lambda v: v[:-1] + ("a" if v[-1] != "a" else "b")),
    ),
    "key in capitals": ("invalid_api_key", _with("X-Api-Key", str.upper)),
    "their key": (
        "bad_signature",
        lambda w, t, n: _with("X-Api-Key", lambda v: t.other.signer.key_id)(w, t, n),
    ),
    "their secret": (
        "bad_signature",
        lambda w, t, n: _stranger(w, t.merchant.signer.key_id, t.other.signer.secret),
    ),
    "old": ("stale_request", lambda w, t, n: _at(w, t, str(int(time.time()) - 310 - n**3))),
    "too early": ("stale_request", lambda w, t, n: _at(w, t, str(int(time.time()) + 330 + n**3))),
    "no time": (
        "stale_request",
        lambda w, t, n: _at(w, t, ["now", "1e9", "-5", f"{time.time()}", "9" * 400][n % 5]),
    ),
    "milliseconds": ("stale_request", lambda w, t, n: _at(w, t, str(int(time.time()) * 1000 + n))),
    "time moved": ("bad_signature", _with("X-Timestamp", lambda v: str(int(v) + 1))),
    "zero before the time": ("bad_signature", _with("X-Timestamp", lambda v: "0" + v)),
    "other method": (
        "bad_signature",
        lambda w, t, n: _over(w, t, method="GET" if w.method != "GET" else "POST"),
    ),
    "other path": ("bad_signature", lambda w, t, n: _over(w, t, path=w.path + "/")),
    "path without its prefix": (
        "bad_signature",
        lambda w, t, n: _over(w, t, path=w.path.removeprefix(PREFIX)),
    ),
    "decoded query": ("bad_signature", lambda w, t, n: _over(w, t, query=unquote(w.query))),
    "re-encoded query": (
        "bad_signature",
        lambda w, t, n: _over(w, t, query=w.query.replace("%2F", "%2f")),
    ),
    "query without its empty part": (
        "bad_signature",
        lambda w, t, n: _over(w, t, query=w.query.removesuffix("&")),
    ),
    "no query": ("bad_signature", lambda w, t, n: _over(w, t, query="")),
    "unsorted query": (
        "bad_signature",
        lambda w, t, n: _lines(w, t, [*_five(w)[:2], w.query, *_five(w)[3:]]),
    ),
    "query sorted the other way": (
        "bad_signature",
        lambda w, t, n: _lines(
            w, t, [*_five(w)[:2], "&".join(sorted(w.query.split("&"), reverse=True)), *_five(w)[3:]]
        ),
    ),
    "four lines": (
        "bad_signature",
        lambda w, t, n: _lines(w, t, _five(w)[: n % 5] + _five(w)[n % 5 + 1 :]),
    ),
    "six lines": ("bad_signature", lambda w, t, n: _lines(w, t, [*_five(w), ""])),
    "other body": ("bad_signature", lambda w, t, n: replace(w, body=w.body + b" ")),
    "body cut": ("bad_signature", lambda w, t, n: _over(w, t, body=w.body + b"{}")),
    "capitals": ("bad_signature", _with("X-Signature", lambda v: "A" + v.upper()[1:])),
    "cut": (
        "bad_signature",
        lambda w, t, n: _with("X-Signature", lambda v: v[: n % 64] or "0")(w, t, n),
    ),
    "longer": ("bad_signature", _with("X-Signature", lambda v: v + "0")),
    "no hex": ("bad_signature", _with("X-Signature", lambda v: "é" + v[1:])),
}
