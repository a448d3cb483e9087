"""The hand-overs in `examples/billing`, each a process between its billing system and a running
Recoup."""

import csv
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api_door import door, shop
from tests.door import Caller, Door
from tests.kills.installation import free_port
from tests.rescue.api.test_clients import talking
from tests.webhooks.api.test_webhooks import try_again

from make_client import main as make_client
from recoup.networks.magic import script_card

__all__ = ["door", "shop"]
make_client()

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "examples/billing"
CLIENT = {"PYTHONPATH": str(ROOT / "clients/python/src")}
INVOICE = {
    "chargebee": "inv-7731",
    "recurly": "r3inv7731",
    "killbill": "0d3a7a8a-2f0f-4f8e-9a51-0c7b4f2f7731",
}
HOOK = "a-secret-path"
PAYS, NEVER = "pm_card_visa_51_01", "pm_card_visa_51_99"


@dataclass
class Vendor:
    """A billing system with one invoice: `answers` by path, `posts` as they came. While `down` it
    answers 503."""

    method: str
    customer: str = field(
        default_factory=lambda: f"cus_{uuid.uuid4().hex}"
    )  # a customer is one merchant's
    due: int = 4590
    posts: list[tuple[str, str, str]] = field(default_factory=list)
    down: bool = False
    paused: bool = False
    url: str = ""

    def took(self, verb: str, path: str, body: str) -> None:
        self.posts.append((verb, path, body))
        if (
            "record_payment" in path
            or "transactions" in path
            or path.endswith("payments?externalPayment=true")
        ):
            self.due = 0
        if "pause" in path or path.endswith("/tags"):
            self.paused = True
        if "resume" in path or verb == "DELETE":
            self.paused = False


def _chargebee(one: Vendor, path: str) -> Any:
    if "payment_sources" in path:
        return {"payment_source": {"reference_id": f"{one.customer}/{one.method}"}}
    if path.endswith("/payments"):
        return {"list": []}
    paused = {"dunning_status": "paused" if one.paused else "in_progress"}
    due = {"status": "payment_due", "amount_due": one.due, "currency_code": "USD"}
    return {"invoice": {"id": INVOICE["chargebee"], **due, **paused}}


def _recurly(one: Vendor, path: str) -> Any:
    if "/transactions/" in path:
        return {
            "id": "tr1",
            "invoice": {"id": INVOICE["recurly"]},
            "account": {"id": "a1"},
            "status": "declined",
            "created_at": "2026-03-02T09:14:00Z",
            "gateway_response_code": "insufficient_funds",
            "status_code": "x",
            "status_message": "Your card has insufficient funds.",
            "payment_gateway": {"type": "stripe"},
        }
    if "/invoices/" in path:
        state = "past_due" if one.due else "paid"
        return {
            "id": INVOICE["recurly"],
            "state": state,
            "balance": one.due / 100,
            "currency": "USD",
        }
    tokens = [
        {"reference_type": "stripe_customer", "token": one.customer},
        {"reference_type": "stripe_payment_method", "token": one.method},
    ]
    about = {"payment_gateway_references": tokens}
    return {"code": "cust-71", "email": "ana@example.com", "billing_info": about}


def _killbill(one: Vendor, path: str) -> Any:
    if path.endswith("/invoicePayments"):
        return [{"paymentId": "pay1", "targetInvoiceId": INVOICE["killbill"]}]
    if "/payments/" in path:
        last = {
            "transactionId": "tr1",
            "effectiveDate": "2026-03-02T09:14:00Z",
            "gatewayErrorCode": "insufficient_funds",
            "gatewayErrorMsg": "Your card has insufficient funds.",
        }
        return {
            "paymentId": "pay1",
            "accountId": "a1",
            "paymentMethodId": "m1",
            "transactions": [last],
        }
    if "/paymentMethods/" in path:
        properties = [{"key": "customer", "value": one.customer}]
        return {"pluginInfo": {"externalPaymentMethodId": one.method, "properties": properties}}
    if path.endswith("/tags"):
        return [{"tagDefinitionId": "00000000-0000-0000-0000-000000000001"}] if one.paused else []
    if "/invoices/" in path:
        due = {"balance": one.due / 100, "currency": "USD", "status": "COMMITTED"}
        return {"invoiceId": INVOICE["killbill"], "accountId": "a1", **due}
    return {"externalKey": "cust-71", "email": "ana@example.com"}


ANSWERS: dict[str, Callable[[Vendor, str], Any]] = {
    "chargebee": _chargebee, "recurly": _recurly, "killbill": _killbill
}  # fmt: skip
EVENTS: dict[str, dict[str, Any]] = {
    "chargebee": {
        "event_type": "payment_failed",
        "content": {
            "transaction": {
                "id": "txn_1",
                "payment_method": "card",
                "payment_source_id": "pm_1",
                "id_at_gateway": "ch_1",
                "date": 1772442840,
                "gateway": "stripe",
                "error_code": "card_declined",
                "error_detail": {"decline_code": "insufficient_funds"},
            },
            "invoice": {"id": INVOICE["chargebee"]},
            "customer": {"id": "cust-71", "email": "ana@example.com"},
        },
    },
    "recurly": {"object_type": "payment", "event_type": "failed", "uuid": "63b068f7"},
    "killbill": {"eventType": "INVOICE_PAYMENT_FAILED", "objectId": "pay1", "accountId": "a1"},
}


@contextmanager
def billing(name: str, method: str) -> Iterator[Vendor]:
    vendor = Vendor(method)

    class Api(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            plain: Any = {}
            if self.command == "GET":
                plain = ANSWERS[name](vendor, self.path.partition("?")[0])
            elif not vendor.down:
                vendor.took(self.command, self.path, body)
            text = json.dumps(plain).encode()
            self.send_response(503 if vendor.down else 200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the library's names

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        vendor.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield vendor
        server.shutdown()


@contextmanager
def sample(name: str, settings: dict[str, str], port: int = 0) -> Iterator[str]:
    """Its address."""
    command = [sys.executable, str(SAMPLES / f"{name}.py"), str(port)]
    with subprocess.Popen(
        command, env=os.environ | settings | CLIENT, text=True, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            process.kill()


def settings_of(name: str, shop: Caller, vendor: Vendor, port: int) -> dict[str, str]:
    keys = shop.shop.keys
    prefix = name.upper()
    own = {
        f"{prefix}_{one}": "test" for one in ("KEY", "USER", "PASSWORD", "API_KEY", "API_SECRET")
    }
    return own | {
        f"{prefix}_URL": vendor.url,
        "BASE": f"http://127.0.0.1:{port}",
        "APP_KEY": keys.app_key,
        "MID": shop.mid,
        "APP_SECRET": keys.app_secret,
        "WEBHOOK_KEY": "a2V5",
        "ROUTE": "sandbox",
        "HOOK_SECRET": HOOK,
    }


def handed_over(name: str, door: Door, shop: Caller, vendor: Vendor) -> str:
    """Twice, as billing systems send their events; answers the order's id."""

    def story(port: int) -> None:
        with sample(name, settings_of(name, shop, vendor, port)) as url:
            assert httpx.post(f"{url}/billing/guessed", json=EVENTS[name]).status_code == 401
            for _ in range(2):
                assert (
                    httpx.post(f"{url}/billing/{HOOK}", json=EVENTS[name], timeout=30).status_code
                    == 204
                )

    talking(door, story)
    (found,) = shop.get(f"/orders?externalOrderId={INVOICE[name]}").json()["orders"]["data"]
    return str(found["id"])


def ended(name: str, door: Door, shop: Caller, vendor: Vendor) -> None:
    """The rescue's events reach the sample by webhook;
    while the billing system is down they wait."""
    port = free_port()
    events = ["order.completed", "order.expired", "order.cancelled"]
    made = shop.post(
        "/webhooks", {"url": f"http://127.0.0.1:{port}/recoup", "events": events}
    ).json()
    settings = settings_of(name, shop, vendor, 9) | {"WEBHOOK_KEY": made["signingKey"]}
    with sample(name, settings, port):
        vendor.down = True
        shop.advance(days=20)
        shop.advance(days=2)
        vendor.down = False
        try_again(shop)
        door.run(shop.shop.publish())


@pytest.mark.parametrize("name", list(EVENTS))
def test_what_is_rescued_is_booked_once(name: str, door: Door, shop: Caller) -> None:
    with billing(name, PAYS) as vendor:
        order_id = handed_over(name, door, shop, vendor)
        ended(name, door, shop, vendor)
        assert shop.order(order_id)["statusName"] == "COMPLETED"
        booked = [
            path
            for _, path, _ in vendor.posts
            if "record" in path or "transactions" in path or "=true" in path
        ]
    assert len(booked) == 1, vendor.posts
    assert vendor.due == 0
    assert not (name == "killbill" and vendor.paused), "the account pays by itself again"


@pytest.mark.parametrize("name", list(EVENTS))
def test_what_is_not_rescued_is_given_back(name: str, door: Door, shop: Caller) -> None:
    with billing(name, NEVER) as vendor:
        order_id = handed_over(name, door, shop, vendor)
        assert vendor.paused is (name != "recurly")
        ended(name, door, shop, vendor)
        assert shop.order(order_id)["statusName"] in ("EXPIRED", "CANCELLED")
        assert vendor.due == 4590
        paths = [path for _, path, _ in vendor.posts]
    assert any("resume_dunning" in path or "mark_failed" in path for path in paths) is (
        name != "killbill"
    ), paths


def test_a_cron_job_hands_over_a_file_and_writes_the_outcomes_once(
    door: Door, shop: Caller, tmp_path: Path
) -> None:
    page = (ROOT / "docs/connect.md").read_text()
    (lines,) = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)
    token, expiry = shop.token_for(script_card("visa", "51", 1)), shop.body()["expiryDateUtc"]
    declines, outcomes = tmp_path / "declines-2026-03-02.csv", tmp_path / "outcomes.csv"
    declines.write_text(lines.replace("CARD_TOKEN", token).replace("EXPIRY", expiry))

    def story(port: int) -> str:
        settings = settings_of("cron", shop, Vendor(""), port) | CLIENT
        command = [sys.executable, str(SAMPLES / "cron.py"), str(declines), str(outcomes)]
        ran = subprocess.run(
            command, env=os.environ | settings, text=True, capture_output=True, check=True
        )
        return ran.stdout

    assert talking(door, story).endswith(": taken\n")
    for _ in range(2):
        shop.advance(days=22)
    said = [talking(door, story) for _ in range(2)]
    assert all(one.endswith(": the same as before\n") for one in said)
    with outcomes.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["orderId"], row["outcome"], row["amount"], row["currency"]) for row in rows} == {
        ("SUB-7731-2026-03", "completed", "4590", "USD"),
        ("SUB-7732-2026-03", "completed", "1200", "USD"),
    }
    assert len(rows) == 2, "each once"
