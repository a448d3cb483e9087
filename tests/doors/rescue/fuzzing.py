"""Calls of every operation, some as they are told, most bent out of shape; and what every answer is held against."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
from hypothesis import strategies as st
from tests.doors.fuzzing import Watched, bodies, queries
from tests.doors.rescue.door import APPROVES, FUNDS, GONE, UNKNOWN, Door, tokenize_body, transmit_body
from tests.flows.money.settling import terms

from recoup.doors.edge.described import Operation

REFUSED = {400, 401, 403, 404, 405, 409, 413, 502}
_MARKS = """
SELECT (SELECT sum(version) FROM merchants WHERE merchant_id = $1) || ' '
  || (SELECT coalesce(sum(version), 0) FROM orders WHERE merchant_id = $1) || ' '
  || (SELECT coalesce(md5(string_agg(s::text, '' ORDER BY site_id)), '') FROM sites s WHERE merchant_id = $1) || ' '
  || (SELECT coalesce(md5(string_agg(e::text, '' ORDER BY endpoint_id)), '') FROM endpoints e WHERE merchant_id = $1)
  AS marks
"""


class Target(Watched):
    """One merchant with an open order, a paid one, a transmission, a site and an endpoint, and how its tables stand."""

    def __init__(self, door: Door) -> None:
        self.door, self.shop = door, door.shop()
        shop = self.shop
        self.token = shop.token_for(APPROVES)
        self.items = [{"sku": "TEA", "name": "Tea", "amount": 1000, "quantity": 3}]
        at_once = {"expiryDateUtc": None, "transaction__responseCode": "91", "transaction__amount": 90_000_000}
        self.paid = shop.admit(**at_once, orderItems=self.items)
        door.run(terms(shop.shop, period="day", delay_days=0))
        shop.advance(days=1)
        self.settlement = shop.get("/settlements").json()["data"][0]["id"]
        self.open = shop.admit(paymentMethod__cardNumber=FUNDS)
        hold = {"isMIT": False, "expiryDateUtc": GONE, "transactionType": "AUTHORIZATION"}
        self.held = shop.admit(**hold, customerIp="203.0.113.24")
        self.transmission = shop.post("/transmit", transmit_body(shop)).json()["transmitId"]
        self.upload = shop.post("/uploads", {"kind": "transmit", "rows": [transmit_body(shop)]}).json()["id"]
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
        return self.checked(answer, REFUSED)

    def known(self, operation: Operation) -> dict[str, Any]:
        """A body that the operation takes."""
        made = KNOWN.get(f"{operation.method} {operation.path}")
        return made(self) if made is not None else {}

    def path(self, operation: Operation) -> str:
        """With an id for which it works."""
        found = operation.path.removeprefix("/v1")
        if "/orders/" in found:
            which = self.paid if found.endswith("refund") else self.open
        elif "/settlements/" in found:
            which = self.settlement
        elif "/uploads/" in found:
            which = self.upload
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
    "POST /v1/uploads": lambda t: {"kind": "transmit", "mid": t.shop.mid, "rows": [transmit_body(t.shop)]},
    "POST /v1/uploads/{id}/stop": lambda t: {"reason": "r"},
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
        call["body"] = draw(bodies(operation.body, known))
    if operation.query is not None:
        call["params"] = draw(queries(operation.query))
    return call


def send(target: Target, operation: Operation, call: dict[str, Any]) -> httpx.Response:
    path = target.path(operation) if call["id"] is None else operation.path.removeprefix("/v1").replace(
        "{id}", call["id"])  # fmt: skip
    more = {"params": call["params"]} if call["params"] else {}
    return target.call(operation.method, path, call["body"], **more)
