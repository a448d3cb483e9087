"""Calls of every operation, some as they are told, most bent out of shape; and what every answer is
held against."""

import base64
import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from hypothesis import strategies as st
from tests.door import APPROVES, FUNDS, GONE, PAST, UNKNOWN, Door, tokenize_body, transmit_body
from tests.fuzzing import Watched, bodies, queries
from tests.partner import make_one, merchant_body
from tests.settling import terms

from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.kernel.scope import Actor
from recoup.kit.edge.described import Operation
from recoup.onboarding.flows.applications import Applicant, decide_application

REFUSED = {400, 401, 403, 404, 405, 409, 413, 502}
_MARKS = """
SELECT (SELECT sum(version) FROM merchants WHERE merchant_id = $1) || ' '
  || (SELECT coalesce(sum(version), 0) FROM current_orders WHERE merchant_id = $1) || ' '
  || (SELECT coalesce(md5(string_agg(s::text, '' ORDER BY site_id)), '') FROM sites s
    WHERE merchant_id = $1) || ' '
  || (SELECT coalesce(md5(string_agg(e::text, '' ORDER BY endpoint_id)), '') FROM endpoints e
    WHERE merchant_id = $1)
  AS marks
"""


class Target(Watched):
    """One merchant with an open order, a paid one, a transmission, a site and an endpoint, and how
    its tables stand."""

    def __init__(self, door: Door) -> None:
        self.door, self.shop = door, door.shop()
        shop = self.shop
        self.token = shop.token_for(APPROVES)
        self.items = [{"sku": "TEA", "name": "Tea", "amount": 90_000_000, "quantity": 3}]
        at_once = {
            "expiryDateUtc": None,
            "transaction__responseCode": "91",
            "transaction__amount": 90_000_000,
        }
        self.paid = shop.admit(**at_once, orderItems=self.items)
        self.disputed = shop.admit(**at_once)
        door.run(terms(shop.shop, period="day", delay_days=0))
        shop.advance(days=1)
        self.settlement = shop.get("/settlements").json()["data"][0]["id"]
        self.open = shop.admit(paymentMethod__cardNumber=FUNDS)
        hold = {"isMIT": False, "expiryDateUtc": GONE, "transactionType": "AUTHORIZATION"}
        self.held = shop.admit(**hold, customerIp="203.0.113.24")
        self.transmission = shop.post("/transmit", transmit_body(shop)).json()["transmitId"]
        self.partner = make_one(door)
        self.partner_merchant = self.partner.merchant()["mid"]
        self.upload = shop.post(
            "/uploads", {"kind": "transmit", "rows": [transmit_body(shop)]}
        ).json()["id"]
        self.past = shop.post("/imports", {"rows": [PAST]}).json()["id"]
        for tries in (4, 5):  # so that there is a policy to go back to
            policy = {"policy": {"tries": {"soft": tries}}, "reason": "r"}
            for answer in (
                shop.call("PUT", "/policy", json=policy),
                self.partner.call("PUT", "/partner/policy", json=policy),
            ):
                assert answer.status_code == 200, answer.text
        self.made = 0
        self.dispute, self.file = self.new_dispute(self.disputed)
        self.site = self.new_site()
        self.campaign = self.new_campaign()
        self.endpoint = self.new_endpoint()
        self.draft, self.document = self.new_draft()
        self.cancelled, self.submitted, self.approved = (self.new_draft()[0] for _ in range(3))
        for application in (self.submitted, self.approved):
            shop.post(f"/onboarding/application/{application}/submit")
        operator = Applicant(None, Actor("operator", "cli"), "test")
        door.run(decide_application(door.world, operator, uuid.UUID(self.approved), approve=True))
        self.seen = self.stand()

    def new_dispute(self, order_id: str) -> tuple[str, str]:
        """A dispute of a paid order, and a file of evidence."""
        door, key = self.door, (self.shop.shop.merchant_id, uuid.UUID(order_id))
        door.run(dispute_on_demand(door.world, door.orders, key, kind="service"))
        dispute = str(self.shop.order(order_id)["disputes"][0]["id"])
        files = f"/orders/{order_id}/disputes/{dispute}/files"
        return dispute, str(self.shop.post(files, _evidence(self)).json()["id"])

    def new_site(self) -> str:
        self.made += 1
        body = {"url": f"https://s{self.made}.example", "name": "Fuzz", "descriptor": "EXAMPLEFUZZ"}
        return str(self.shop.post("/sites", body).json()["id"])

    def new_campaign(self) -> str:
        self.made += 1
        return str(
            self.shop.post(f"/sites/{self.site}/campaigns", {"key": f"c{self.made}"}).json()["id"]
        )

    def new_draft(self) -> tuple[str, str]:
        """An application that lacks nothing, and its document."""
        application = str(self.shop.post("/onboarding/application", APPLICATION).json()["id"])
        return application, self.new_document(application)

    def new_document(self, application: str) -> str:
        self.made += 1
        body = {"kind": "registration", "name": "e.pdf", "content": _pdf(self.made)}
        return str(
            self.shop.post(f"/onboarding/application/{application}/documents", body).json()["id"]
        )

    def application(self, operation: Operation) -> str:
        found, document = operation.path.removeprefix("/v1"), self.document
        which = {"submit": self.submitted, "cancel": self.cancelled, "convert": self.approved}.get(
            found.rpartition("/")[2], self.draft
        )
        if operation.method == "DELETE":
            document = self.new_document(self.draft)
            self.seen = self.stand()
        return found.replace("{id}", which).replace("{document}", document)

    def new_endpoint(self) -> str:
        """Where nobody listens."""
        self.made += 1
        return str(
            self.shop.post("/webhooks", {"url": f"http://127.0.0.1:9/{self.made}"}).json()["id"]
        )

    def new_partner_endpoint(self) -> str:
        """As `new_endpoint`, of the partner; those before it are gone."""
        self.made += 1
        self.door.sql(
            "UPDATE endpoints SET state = 'deleted' WHERE partner_id = $1", self.partner.partner_id
        )
        return str(
            self.partner.post(
                "/partner/webhooks", {"url": f"http://127.0.0.1:9/{self.made}"}
            ).json()["id"]
        )

    def stand(self) -> dict[str, Any]:
        marks = self.door.run(self.door.counting.value(_MARKS, self.shop.shop.merchant_id))
        return self.door.counts() | {"marks": marks}

    def make_room(self) -> None:
        """There is an end to how many sites and endpoints a merchant has."""
        shop, sites = self.shop.shop, [uuid.UUID(self.site), self.shop.shop.site_id]
        self.door.sql(
            "UPDATE endpoints SET state = 'deleted' WHERE merchant_id = $1 AND endpoint_id <> $2",
            shop.merchant_id,
            uuid.UUID(self.endpoint),
        )
        self.shop.call("PATCH", f"/sites/{shop.site_id}", json={"isDefault": True, "mit": True})
        self.door.sql(
            "DELETE FROM application_documents WHERE application_id = $1 AND document_id <> $2",
            uuid.UUID(self.draft),
            uuid.UUID(self.document),
        )
        self.door.sql(
            "UPDATE sites SET retired_at = now() WHERE merchant_id = $1 AND site_id <> "
            "ALL($2::uuid[])",
            shop.merchant_id,
            sites,
        )
        self.door.sql(
            "UPDATE campaigns SET retired_at = now() WHERE merchant_id = $1 AND campaign_id <> $2",
            shop.merchant_id,
            uuid.UUID(self.campaign),
        )
        for kind in ("cit_web", "cit_callcenter", "mit"):
            self.shop.call("PUT", "/switches", json={"kind": kind, "on": True})
        self.shop.call("PUT", "/switches/unknown-sites", json={"unknownSites": "use_default"})
        self.door.services.merchants.forget(shop.merchant_id)
        self.seen = self.stand()

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """Refused calls leave everything as it was. The answer's shape is checked by the door."""
        if body is not None:
            more["content"] = json.dumps(body).encode()
        headers = {"content-type": "application/json"} | more.pop("headers", {})
        caller = self.partner if path.startswith("/partner") else self.shop
        answer = caller.call(
            method, path, headers=headers, allow_5xx=path.endswith("/test"), **more
        )
        if path.endswith("/test"):  # whether or not it is reached, that it was tried is noted
            counts = self.door.counts()
            self.seen |= {name: counts[name] for name in ("audit_lines", "partner_log")}
        return self.checked(answer, REFUSED)

    def fresh_partner(self) -> None:
        """There is an end to how many keys its merchant has."""
        self.door.sql(
            "UPDATE api_keys SET revoked_at = now() WHERE merchant_id = $1",
            UUID(self.partner_merchant),
        )
        self.seen = self.stand()

    def known(self, operation: Operation) -> dict[str, Any]:
        """A body that the operation takes."""
        made = KNOWN.get(f"{operation.method} {operation.path}")
        return made(self) if made is not None else {}

    def path(self, operation: Operation) -> str:
        """With an id for which it works."""
        found = operation.path.removeprefix("/v1")
        if "/onboarding/" in found:
            return self.application(operation)
        if "{mid}" in found:
            if found.endswith("/keys"):
                self.fresh_partner()
            return found.replace("{mid}", self.partner_merchant)
        if "{campaign}" in found:
            campaign = self.new_campaign() if operation.method == "DELETE" else self.campaign
            self.seen = self.stand()
            return found.replace("{id}", self.site).replace("{campaign}", campaign)
        if "/disputes/" in found:
            if operation.method == "POST":  # there is an end to how many a dispute has
                self.door.sql("DELETE FROM dispute_files WHERE file_id <> $1", uuid.UUID(self.file))
                self.seen = self.stand()
            found = found.replace("{dispute}", self.dispute).replace("{file}", self.file)
            return found.replace("{id}", self.disputed)
        if "/orders/" in found:
            which = self.paid if found.endswith("refund") else self.open
        elif "/settlements/" in found:
            which = self.settlement
        elif "/uploads/" in found:
            which = self.upload
        elif "/imports/" in found:
            which = self.past
        elif "/transmit/" in found:
            which = self.transmission
        elif "/partner/webhooks/" in found:
            which = self.new_partner_endpoint()
            self.seen = self.stand()
        elif operation.method == "DELETE" or found.endswith(("/replay", "/rotate")):
            self.make_room()
            which = self.new_site() if "/sites/" in found else self.new_endpoint()
            self.seen = self.stand()
        else:
            which = self.site if "/sites/" in found else self.endpoint
        return found.replace("{id}", which)


def _evaluate(target: Target) -> dict[str, Any]:
    body = target.shop.body(
        orderItems=target.items,
        siteUrl="https://leaf.example.test",
        customerIp="203.0.113.24",
        senseKey="s",
    )
    return body | {
        "shippingInformation": dict(body["billingInformation"]),
        "correlationId": "c",
        "transactionType": "PURCHASE",
    }


def evaluate_sync(target: Target) -> dict[str, Any]:
    return target.shop.body(
        paymentMethod={"cardNumber": target.token, "Token": True},
        expiryDateUtc=GONE,
        transaction__responseCode="91",
    )


def _amend(target: Target) -> dict[str, Any]:
    placed = target.door.run(target.shop.shop.now())
    return {
        "cardToken": target.token,
        "metadata": {"a": "1", "b": None},
        "doNotRetry": True,
        "expiryDateUtc": (placed + timedelta(days=20)).isoformat(),
    }


def _site(target: Target) -> dict[str, Any]:
    target.made += 1
    return {
        "url": f"https://s{target.made}.example",
        "name": "Fuzz",
        "descriptor": "EXAMPLEFUZZ",
        "mit": True,
    }


def _campaign(target: Target) -> dict[str, Any]:
    target.made += 1
    return {"key": f"c{target.made}", "name": "Fuzz", "descriptor": "EXAMPLEFUZZ", "citWeb": True}


def _hook(_: Target) -> dict[str, Any]:
    return {
        "url": "https://hooks.merchant.example.com/a",
        "events": ["order.completed"],
        "format": "rescue",
    }


def _replay(target: Target) -> dict[str, Any]:
    target.made += 1
    return {
        "since": "2026-03-02T00:00:00Z",
        "until": "2026-09-02T00:00:00Z",
        "events": ["order.completed"],
        "idempotencyKey": f"r-{target.made}",
    }


def _pdf(number: int) -> str:
    return base64.b64encode(b"%%PDF-1.7\n%d\n%%%%EOF" % number).decode()


def _document(target: Target) -> dict[str, Any]:
    target.made += 1
    return {"kind": "other", "name": "a.pdf", "content": _pdf(target.made)}


def _evidence(target: Target) -> dict[str, Any]:
    target.made += 1
    return {
        "name": "a.txt",
        "content": base64.b64encode(f"Delivered, {target.made}.".encode()).decode(),
    }


APPLICATION: dict[str, Any] = {
    "legalName": "Tea Ltd",
    "tradingName": "Tea",
    "country": "GB",
    "registrationNumber": "1",
    "businessCategory": "5499",
    "contact": {"name": "Ana", "email": "ana@example.test", "phone": "1"},
    "volumes": {"currency": "GBP", "monthlyAmount": 5, "averageAmount": 1},
    "kinds": ["mit"],
    "sites": [{"url": "https://tea.example", "name": "Tea", "descriptor": "TEASHOP"}],
}
KNOWN: dict[str, Callable[[Target], dict[str, Any]]] = {
    "POST /v1/clock/advance": lambda _: {"advance": "1h"},
    "PUT /v1/switches": lambda t: {"kind": "mit", "on": False, "siteId": t.site, "why": "a try"},
    "PUT /v1/switches/unknown-sites": lambda _: {"unknownSites": "refuse"},
    "PUT /v1/country": lambda _: {"country": "FR"},
    "PUT /v1/engine": lambda t: {
        "mode": "share",
        "siteId": t.site,
        "share": 20,
        "holdout": 5,
        "explore": 1,
        "exploreMax": {"USD": 50000},
    },
    "PUT /v1/engine/risk": lambda _: {"mode": "share", "share": 20, "holdout": 5, "margin": 25},
    "PUT /v1/engine/cards": lambda _: {
        "cardUpdates": True,
        "networkTokens": False,
        "otherCards": False,
    },
    "POST /v1/engine/stop": lambda _: {"why": "a try"},
    "POST /v1/connection-test": lambda t: {"kind": "cit_web", "siteId": t.site, "campaign": "c1"},
    "POST /v1/sites/{id}/campaigns": lambda t: _campaign(t),
    "PUT /v1/sites/{id}/campaigns/{campaign}": lambda t: _campaign(t),
    "PATCH /v1/sites/{id}/campaigns/{campaign}": lambda _: {
        "name": "Fuzz",
        "mit": True,
        "descriptor": "",
    },
    "POST /v1/capture": lambda t: {
        "idempotencyKey": "c",
        "orderId": t.held,
        "amount": 4590,
        "currency": "USD",
    },
    "POST /v1/evaluate": _evaluate,
    "POST /v1/transmit": lambda t: transmit_body(t.shop),
    "PATCH /v1/transmit/{id}": lambda t: {
        "outcome": "APPROVED",
        "chargeback": {"id": "c", "amount": 1, "status": "open"},
        "transaction": {"responseCode": "00"},
    },
    "POST /v1/tokenize": lambda t: tokenize_body(APPROVES) | {"mid": t.shop.mid},
    "POST /v1/outcome": lambda t: {"orderSessionKey": t.open, "mid": t.shop.mid},
    "POST /v1/orders/{id}/refund": lambda t: {
        "amountToRefund": 0.01,
        "refundMessage": "m",
        "mid": t.shop.mid,
        "currency": "USD",
        "idempotencyKey": str(uuid.uuid4()),
    },
    "POST /v1/orders/{id}/cancel": lambda t: {"reason": "r"},
    "PATCH /v1/orders/{id}": _amend,
    "POST /v1/orders/{id}/disputes/{dispute}/files": _evidence,
    "POST /v1/webhooks": lambda t: _hook(t) | {"ownKey": True, "mid": t.shop.mid},
    "PUT /v1/webhooks/{id}": lambda t: _hook(t) | {"state": "active"},
    "PATCH /v1/webhooks/{id}": lambda t: _hook(t) | {"state": "disabled"},
    "POST /v1/webhooks/{id}/test": lambda t: {"event": "order.expired"},
    "POST /v1/webhooks/rotate": lambda t: {"overlapHours": 0},
    "POST /v1/webhooks/{id}/rotate": lambda t: {"overlapHours": 0},
    "POST /v1/webhooks/{id}/replay": _replay,
    "POST /v1/partner/webhooks": _hook,
    "PUT /v1/partner/webhooks/{id}": lambda t: _hook(t) | {"state": "active"},
    "PATCH /v1/partner/webhooks/{id}": lambda t: _hook(t) | {"state": "disabled"},
    "POST /v1/partner/webhooks/{id}/test": lambda t: {"event": "order.expired"},
    "POST /v1/partner/webhooks/{id}/rotate": lambda t: {"overlapHours": 48},
    "POST /v1/partner/webhooks/{id}/replay": _replay,
    "POST /v1/sites": _site,
    "PUT /v1/sites/{id}": _site,
    "PATCH /v1/sites/{id}": _site,
    "POST /v1/onboarding/application": lambda t: APPLICATION,
    "PUT /v1/onboarding/application/{id}": lambda t: APPLICATION,
    "POST /v1/onboarding/application/{id}/documents": _document,
    "POST /v1/partner/merchants": lambda t: merchant_body(),
    "PATCH /v1/partner/merchants/{mid}": lambda t: {"name": "Fuzz", "state": "active"},
    "POST /v1/partner/merchants/{mid}/keys": lambda t: {"overlapHours": 1},
    "POST /v1/partner/merchants/switches": lambda t: {
        "mids": [t.partner_merchant],
        "mit": True,
        "citWeb": False,
        "citCallcenter": True,
        "why": "w",
    },
    "POST /v1/uploads": lambda t: {
        "kind": "transmit",
        "mid": t.shop.mid,
        "rows": [transmit_body(t.shop)],
    },
    "POST /v1/uploads/{id}/stop": lambda t: {"reason": "r"},
    "POST /v1/imports": lambda t: {"rows": [PAST]},
    "POST /v1/imports/{id}/stop": lambda t: {"reason": "r"},
    "POST /v1/oauth2/token": lambda t: {
        "AppKey": t.shop.shop.keys.app_key,
        "AppSecret": t.shop.shop.keys.app_secret,
    },
    "POST /v1/oauth2/refresh": lambda t: {"refreshToken": "r"},
}
# How much of the whole each operation gets; 1 where nothing is said.
WEIGHTS = {
    "POST /v1/evaluate": 14,
    "POST /v1/transmit": 6,
    "POST /v1/tokenize": 5,
    "POST /v1/orders/{id}/refund": 7,
    "PATCH /v1/orders/{id}": 4,
    "PATCH /v1/transmit/{id}": 3,
    "GET /v1/orders": 6,
    "POST /v1/webhooks": 3,
    "POST /v1/sites": 3,
    "PATCH /v1/sites/{id}": 2,
    "PATCH /v1/webhooks/{id}": 2,
    "POST /v1/oauth2/token": 2,
    "POST /v1/outcome": 2,
}
IDS = st.sampled_from([None, None, None, None, UNKNOWN, "x", "%00", "%2F..", "é", "0"])


@st.composite
def calls(draw: st.DrawFn, operation: Operation, known: dict[str, Any]) -> dict[str, Any]:
    """`id` in the path's place, None for one that works; `body`, `params`."""
    call: dict[str, Any] = {
        "id": draw(IDS) if "{" in operation.path else None,
        "body": None,
        "params": None,
    }
    if operation.body is not None:
        call["body"] = draw(bodies(operation.body, known))
    if operation.query is not None:
        call["params"] = draw(queries(operation.query))
    return call


def send(target: Target, operation: Operation, call: dict[str, Any]) -> httpx.Response:
    path = (
        target.path(operation)
        if call["id"] is None
        else re.sub(r"\{m?id\}", lambda _: call["id"], operation.path.removeprefix("/v1"))
    )
    path = path.replace("{document}", target.document)
    more = {"params": call["params"]} if call["params"] else {}
    return target.call(operation.method, path, call["body"], **more)
