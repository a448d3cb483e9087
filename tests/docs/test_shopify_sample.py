"""`examples/billing/shopify.py` between a running Recoup and a Shopify of ours: Shopify charges,
Recoup says when."""

import base64
import hmac
import http.server
import importlib
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import pytest
from tests.api_door import door, shop
from tests.docs.test_billing_samples import SAMPLES, Vendor, sample, settings_of
from tests.door import Caller, Door
from tests.rescue.api.test_clients import talking
from tests.worlds import change_world

from recoup.kernel.ids import uuid_of
from recoup.processors.gateways.kinds import KINDS, Connection
from recoup.processors.rules.route_terms import RouteTerms
from recoup.routes.flows.card_routes import CardRoutes

__all__ = ["door", "shop"]

SECRET: Final = "a shared secret of the bridge, 32"
APP_SECRET: Final = "shpss_test"


@dataclass
class Contracts:
    """One contract. `answers`: for each attempt an error code, or "" for paid; it is there when the
    attempt is read."""

    answers: list[str]
    attempts: list[dict[str, Any]] = field(default_factory=list)
    number: int = field(
        default_factory=lambda: uuid.uuid4().int
    )  # a contract and its customer are one merchant's
    url: str = ""

    def take(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "subscriptionBillingAttemptCreate" in query:
            made = self._make(variables["input"])
            return {
                "subscriptionBillingAttemptCreate": {
                    "subscriptionBillingAttempt": made,
                    "userErrors": [],
                }
            }
        for attempt in self.attempts:
            self._finish(attempt)
        if "reverse: true" in query:
            return {"subscriptionBillingAttempts": {"nodes": self.attempts[::-1]}}
        found = [one for one in self.attempts if one["id"] == variables["id"]]
        return {"subscriptionBillingAttempt": found[0] if found else None}

    def _make(self, given: dict[str, Any]) -> dict[str, Any]:
        for one in self.attempts:
            if one["idempotencyKey"] == given["idempotencyKey"]:
                return one
        instrument = {"brand": "visa", "lastDigits": "4242", "expiryMonth": 12, "expiryYear": 2034}
        attempt = {
            "id": f"gid://shopify/SubscriptionBillingAttempt/{len(self.attempts) + 1}",
            "idempotencyKey": given["idempotencyKey"],
            "cycle": given.get("billingCycleSelector"),
            "ready": False,
            "createdAt": "2026-03-02T09:14:00Z",
            "originTime": "2026-03-02T00:00:00Z",
            "errorCode": None,
            "errorMessage": None,
            "order": None,
            "transactions": {
                "nodes": [{"amountSet": {"shopMoney": {"amount": "45.90", "currencyCode": "USD"}}}]
            },
            "subscriptionContract": {
                "id": f"gid://shopify/SubscriptionContract/{self.number}",
                "customer": {
                    "id": f"gid://shopify/Customer/{self.number}",
                    "email": "ana@example.com",
                },
                "customerPaymentMethod": {
                    "id": "gid://shopify/CustomerPaymentMethod/c9",
                    "instrument": instrument,
                },
            },
        }
        self.attempts.append(attempt)
        return attempt

    def _finish(self, attempt: dict[str, Any]) -> None:
        if attempt["ready"]:
            return
        attempt["ready"], code = True, self.answers.pop(0)
        if code:
            attempt |= {"errorCode": code, "errorMessage": "The card was declined."}
        else:
            money = {"shopMoney": {"amount": "45.90", "currencyCode": "USD"}}
            attempt["order"] = {"id": "gid://shopify/Order/1001", "totalPriceSet": money}


@contextmanager
def served(contracts: Contracts) -> Iterator[Contracts]:
    class Admin(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            signed_in = self.headers["x-shopify-access-token"] == "shpat_test"
            answer = json.dumps({"data": contracts.take(body["query"], body["variables"])}).encode()
            self.send_response(200 if signed_in else 401)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Admin) as server:
        contracts.url = f"http://127.0.0.1:{server.server_port}/admin/api/2025-10/graphql.json"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield contracts
        server.shutdown()


def settings(caller: Caller, contracts: Contracts, port: int) -> dict[str, str]:
    return settings_of("shopify", caller, Vendor(""), port) | {
        "SHOPIFY_URL": contracts.url,
        "SHOPIFY_TOKEN": "shpat_test",
        "SHOPIFY_SECRET": APP_SECRET,
        "BRIDGE_SECRET": SECRET,
        "ROUTE": "contracts",
    }


@contextmanager
def route_to(door: Door, url: str) -> Iterator[None]:
    """The world with a route of kind `bridge_stored` at the sample."""
    world, kind = door.world, KINDS["bridge_stored"]
    processors, routes = world.processors, world.routes

    async def made() -> Any:
        return kind.make(Connection("contracts", url, SECRET, acceptor="shop"), None)

    processor = door.run(made())
    terms = [RouteTerms("sandbox"), RouteTerms("contracts", cards=kind.cards, stored=kind.stored)]
    change_world(world, processors={**processors, "contracts": processor}, routes=CardRoutes(terms))
    try:
        yield
    finally:
        change_world(world, processors=processors, routes=routes)
        door.run(processor.close())


def failed(
    contracts: Contracts, url: str, *, secret: str = APP_SECRET, number: int = 0
) -> httpx.Response:
    """Shopify's webhook of an attempt, the first by default."""
    body = json.dumps(
        {
            "admin_graphql_api_id": contracts.attempts[number]["id"],
            "error_code": "INSUFFICIENT_FUNDS",
        }
    ).encode()
    proof = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    return httpx.post(
        f"{url}/billing", content=body, headers={"x-shopify-hmac-sha256": proof}, timeout=30
    )


def rescued(door: Door, caller: Caller, answers: list[str]) -> tuple[Contracts, dict[str, Any]]:
    """The app's own attempt fails, is handed over twice, and three weeks pass; the order as it is
    then."""
    with served(Contracts(["INSUFFICIENT_FUNDS", *answers])) as contracts:
        contracts.take(
            "subscriptionBillingAttemptCreate", {"input": {"idempotencyKey": "of the app"}}
        )

        def story(port: int) -> None:
            with sample("shopify", settings(caller, contracts, port)) as url:
                assert failed(contracts, url, secret="another").status_code == 401
                assert httpx.post(f"{url}/charges", json={}).status_code == 401
                for _ in range(2):
                    assert failed(contracts, url).status_code == 200

        with sample("shopify", settings(caller, contracts, 9)) as bridge, route_to(door, bridge):
            talking(door, story)
            for _ in range(11):
                caller.advance(days=2)
            for number in range(
                1, len(contracts.attempts)
            ):  # Recoup's own are not handed over: nobody is at port 9
                assert failed(contracts, bridge, number=number).status_code == 200
            name = f"contract-{contracts.number}:2026-03-02"
            (order,) = caller.get(f"/orders?externalOrderId={name}").json()["orders"]["data"]
            found = caller.order(str(order["id"]))
    return contracts, found


def test_shopify_charges_once_at_the_moment_that_recoup_picks(door: Door, shop: Caller) -> None:
    contracts, order = rescued(door, shop, ["DO_NOT_HONOR", ""])
    assert order["statusName"] == "COMPLETED"
    assert [one["errorCode"] for one in contracts.attempts] == [
        "INSUFFICIENT_FUNDS",
        "DO_NOT_HONOR",
        None,
    ]
    assert len({one["idempotencyKey"] for one in contracts.attempts}) == 3
    assert {json.dumps(one["cycle"]) for one in contracts.attempts[1:]} == {
        '{"date": "2026-03-02T00:00:00Z"}'
    }


def test_a_stolen_card_is_not_charged_again(door: Door, shop: Caller) -> None:
    contracts, order = rescued(door, shop, ["FRAUD_SUSPECTED", ""])
    assert order["statusName"] != "COMPLETED"
    assert len(contracts.attempts) == 2


def test_a_charge_is_proved_lost_only_by_whoever_asked_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Recoup's ids say no time: they are derived."""
    monkeypatch.syspath_prepend(str(SAMPLES))
    monkeypatch.setenv("SHOPIFY_TOKEN", "shpat_test")
    sample = importlib.import_module("shopify")
    contracts, now = Contracts([""]), time.time()
    monkeypatch.setattr(sample.time, "time", lambda: now)
    shopify = sample.Shopify()
    monkeypatch.setattr(shopify, "_call", lambda query, **given: contracts.take(query, given))
    key, lost = str(uuid_of(b"a" * 16)), str(uuid_of(b"\xff" * 16))
    message = {"id": key, "storedMethod": {"id": "1:2026-03-02"}}
    assert shopify.charge(message)["state"] == "unknown"
    assert [shopify.find(one)["state"] for one in (key, lost)] == ["approved", "unknown"]

    def away(query: str, **given: Any) -> Any:
        nonlocal now
        now += 15
        raise httpx.ReadTimeout("no answer")

    with monkeypatch.context() as cut:
        cut.setattr(shopify, "_call", away)
        with pytest.raises(httpx.ReadTimeout):
            shopify.charge(message | {"id": lost})
    assert shopify.find(lost)["state"] == "unknown", "it may still arrive"
    now += sample.SETTLED_SECONDS
    assert shopify.find(lost)["state"] == "not_found"
    contracts.attempts *= 250
    for ago, state in (
        (0, "unknown"),
        (sample.SETTLED_SECONDS + 14, "unknown"),
        (2 * sample.SETTLED_SECONDS, "not_found"),
    ):
        created = datetime.fromtimestamp(now - ago, UTC).isoformat()
        contracts.attempts[0] = contracts.attempts[0] | {"createdAt": created}
        assert shopify.find(lost)["state"] == state, (
            "of 250 the oldest says how far back they reach"
        )
