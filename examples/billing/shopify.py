"""Shopify subscription contracts: Shopify alone charges them; Recoup plans, and says when.

The settings are those of hand_over.py, and SHOPIFY_URL
(https://SHOP.myshopify.com/admin/api/2025-10/graphql.json), SHOPIFY_TOKEN and SHOPIFY_SECRET of the
app that owns the contracts, and BRIDGE_SECRET, which is the key of a route of kind `bridge_stored`
at this program's address. Send the webhook subscription_billing_attempts/failure to /billing. The
app itself must not retry.

Each attempt of Recoup becomes one billing attempt with Recoup's id as its idempotency key. Shopify
makes the order itself, so nothing is written back. Refunds are made in Shopify.
"""

import base64
import hmac
import http.server
import json
import os
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from hand_over import BODY_MAX, Declined, hand_over, minor

from recoup_client import RecoupError

NO_DECIMALS: Final = {"CLP", "JPY", "KRW", "VND"}  # of the currencies that the shop uses
FRESH_SECONDS: Final = 300
SETTLED_SECONDS: Final = 600  # a billing attempt that is not listed by then was never made
MONEY: Final = "shopMoney { amount currencyCode }"
ATTEMPT: Final = f"""id idempotencyKey ready createdAt originTime errorCode errorMessage
  order {{ id totalPriceSet {{ {MONEY} }} }} transactions(first: 1)
    {{ nodes {{ amountSet {{ {MONEY} }} }} }}
  subscriptionContract {{ id customer {{ id email }} customerPaymentMethod {{
    id instrument {{ ... on CustomerCreditCard {{ brand lastDigits expiryMonth expiryYear }} }} }}
      }}"""
READ: Final = f"query ($id: ID!) {{ subscriptionBillingAttempt(id: $id) {{ {ATTEMPT} }} }}"
LIST: Final = f"""{{
  subscriptionBillingAttempts(first: 250, sortKey: CREATED_AT,
    reverse: true) {{ nodes {{ {ATTEMPT} }} }} }}"""
CREATE: Final = f"""mutation ($contract: ID!, $input: SubscriptionBillingAttemptInput!) {{
  subscriptionBillingAttemptCreate(subscriptionContractId: $contract,
    subscriptionBillingAttemptInput: $input) {{
    subscriptionBillingAttempt {{ {ATTEMPT} }} userErrors {{ field message code }} }} }}"""
# Refused before a bank was asked: nothing was charged, and no network counts it.
NO_BANK: Final = {
    "AMOUNT_TOO_LARGE",
    "AMOUNT_TOO_SMALL",
    "CUSTOMER_INVALID",
    "CUSTOMER_NOT_FOUND",
    "INSUFFICIENT_INVENTORY",
    "INVALID_CURRENCY",
    "INVALID_SHIPPING_ADDRESS",
    "INVENTORY_ALLOCATIONS_NOT_FOUND",
    "INVOICE_ALREADY_PAID",
    "MERCHANT_ACCOUNT_ERROR",
    "NON_TEST_ORDER_LIMIT_REACHED",
    "PAYMENT_METHOD_NOT_FOUND",
    "PAYMENT_METHOD_NOT_SPECIFIED",
    "PAYMENT_PROVIDER_IS_NOT_ENABLED",
}


class Shopify:
    """`hand_over.Billing`, and what the bridge's calls need."""

    def __init__(self) -> None:
        headers = {"x-shopify-access-token": os.environ["SHOPIFY_TOKEN"]}
        self._api = httpx.Client(headers=headers, timeout=15)
        self._unsure: dict[
            str, tuple[float, float]
        ] = {}  # charges without an answer: first asked, last given up

    def declined(self, event: Mapping[str, Any]) -> Declined | None:
        """The failed attempt, read again. One of Recoup's own is known there already."""
        failed = self._call(READ, id=event["admin_graphql_api_id"])["subscriptionBillingAttempt"]
        if failed is None or not failed["errorCode"] or _is_ours(failed["idempotencyKey"]):
            return None
        contract, paid = (
            failed["subscriptionContract"],
            failed["transactions"]["nodes"][0]["amountSet"]["shopMoney"],
        )
        cycle = datetime.fromisoformat(failed["originTime"] or failed["createdAt"])
        method = f"{_number(contract['id'])}:{cycle:%Y-%m-%d}"
        return Declined(
            invoice=f"contract-{method}",
            transaction=_number(failed["id"]),
            at=datetime.fromisoformat(failed["createdAt"]),
            units=minor(paid["amount"], _decimals(paid["currencyCode"])),
            currency=paid["currencyCode"],
            code=failed["errorCode"].lower(),
            code_source="shopify",
            text=failed["errorMessage"] or "Declined",
            method=method,
            customer=_number(contract["customer"]["id"]),
            payer=_number(contract["customer"]["id"]),
            email=contract["customer"]["email"],
            card=_card((contract["customerPaymentMethod"] or {}).get("instrument") or {}),
        )

    def pause(self, declined: Declined, until: datetime) -> None:
        """Nothing: only the app retries, and it leaves that to Recoup."""

    def record(self, invoice: str, units: int, currency: str, reference: str) -> None:
        """Nothing: Shopify made the order itself."""

    def resume(self, invoice: str) -> None:
        """Nothing: the contract stays as it is until its next cycle."""

    def charge(self, message: Mapping[str, Any]) -> dict[str, Any]:
        contract, _, cycle = message["storedMethod"]["id"].partition(":")
        given = {
            "contract": f"gid://shopify/SubscriptionContract/{contract}",
            "input": {
                "idempotencyKey": message["id"],
                "billingCycleSelector": {"date": f"{cycle}T00:00:00Z"},
            },
        }
        asked = self._unsure.get(message["id"], (time.time(),))[0]
        try:
            made = self._call(CREATE, **given)["subscriptionBillingAttemptCreate"]
        except (httpx.HTTPError, ValueError):
            self._unsure[message["id"]] = asked, time.time()
            raise
        self._unsure.pop(message["id"], None)
        if attempt := made["subscriptionBillingAttempt"]:
            return _outcome(message["id"], attempt)
        text = "; ".join(error["message"] for error in made["userErrors"])[:200]
        return {"id": message["id"], "state": "not_processed", "text": text, "fault": "request"}

    def find(self, id: str) -> dict[str, Any]:
        """By the idempotency key, among the newest 250. What is not there and was not asked by this
        process stays unknown, until a person looks."""
        attempts = self._call(LIST)["subscriptionBillingAttempts"]["nodes"]
        for attempt in attempts:
            if attempt["idempotencyKey"] == id:
                return _outcome(id, attempt)
        asked, given_up = self._unsure.get(id, (0.0, time.time()))
        if time.time() - given_up < SETTLED_SECONDS:
            return {"id": id, "state": "unknown"}
        oldest = datetime.fromisoformat(attempts[-1]["createdAt"]).timestamp() if attempts else 0.0
        whole = len(attempts) < 250 or oldest < asked - FRESH_SECONDS
        return {"id": id, "state": "not_found" if whole else "unknown"}

    def _call(self, query: str, **variables: Any) -> Any:
        answer = self._api.post(
            os.environ["SHOPIFY_URL"], json={"query": query, "variables": variables}
        )
        body = answer.raise_for_status().json()
        if body.get("errors"):
            raise ValueError("Shopify refused the query")
        return body["data"]


def _outcome(id: str, attempt: Mapping[str, Any]) -> dict[str, Any]:
    """An attempt as the bridge's answer."""
    payment_method = attempt["subscriptionContract"]["customerPaymentMethod"] or {}
    answer: dict[str, Any] = {"id": id, "reference": _number(attempt["id"])}
    if payment_method:
        answer["credentialNews"] = {"fingerprint": _number(payment_method["id"])}
    if attempt["order"]:
        paid = attempt["order"]["totalPriceSet"]["shopMoney"]
        units = minor(paid["amount"], _decimals(paid["currencyCode"]))
        return answer | {"state": "approved", "amount": units, "currency": paid["currencyCode"]}
    code = attempt["errorCode"]
    if not code:
        return answer | {"state": "unknown"}
    if code == "PAYMENT_METHOD_NOT_FOUND":
        return answer | {"state": "not_processed", "fault": "credential"}
    said = {
        "processorCode": f"shopify:{code.lower()}",
        "text": (attempt["errorMessage"] or "")[:200],
    }
    return answer | said | {"state": "declined", "reachedNetwork": code not in NO_BANK}


def _card(instrument: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "cardBrand": "brand",
        "cardLast4Digits": "lastDigits",
        "expirationMonth": "expiryMonth",
        "expirationYear": "expiryYear",
    }
    return {ours: instrument[theirs] for ours, theirs in names.items() if instrument.get(theirs)}


def _is_ours(key: str) -> bool:
    """Whether it has the form of a message's id: a UUID of version 8, of old ones 7."""
    return len(key) == 36 and key[14] in "78"


def _number(gid: str) -> str:
    return gid.rsplit("/", 1)[-1].split("?")[0]


def _decimals(currency: str) -> int:
    return 0 if currency in NO_DECIMALS else 2


def is_of_recoup(method: str, path: str, headers: Mapping[str, str], body: bytes) -> bool:
    at = headers.get("x-recoup-timestamp", "")
    if not at.isdecimal() or abs(time.time() - int(at)) > FRESH_SECONDS:
        return False
    signed = f"{at}.{method} {urlsplit(path).path}.".encode() + body
    ours = hmac.digest(os.environ["BRIDGE_SECRET"].encode(), signed, "sha256").hex()
    return hmac.compare_digest(ours, headers.get("x-recoup-signature", ""))


def is_of_shopify(headers: Mapping[str, str], body: bytes) -> bool:
    ours = base64.b64encode(
        hmac.digest(os.environ["SHOPIFY_SECRET"].encode(), body, "sha256")
    ).decode()
    return hmac.compare_digest(ours, headers.get("x-shopify-hmac-sha256", ""))


class Door(http.server.BaseHTTPRequestHandler):
    shopify: Shopify

    def do_GET(self) -> None:
        self._reply("GET", b"")

    def do_POST(self) -> None:
        self._reply(
            "POST", self.rfile.read(min(int(self.headers.get("Content-Length") or 0), BODY_MAX))
        )

    def _reply(self, method: str, body: bytes) -> None:
        status, answer = self._take(
            method, body, {name.lower(): value for name, value in self.headers.items()}
        )
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _take(
        self, method: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """What fails on the way answers no outcome: Recoup counts it as unknown, Shopify sends its
        webhook again."""
        try:
            if self.path == "/billing" and is_of_shopify(headers, body):
                print(hand_over(self.shopify, json.loads(body, parse_float=Decimal)), flush=True)
                return 200, {}
            if not is_of_recoup(method, self.path, headers, body):
                return 401, {}
            if method == "GET":
                return 200, self.shopify.find(self.path.removeprefix("/messages/"))
            message = json.loads(body)
            if self.path == "/charges":
                return 200, self.shopify.charge(message)
            text = "Shopify does this itself: use its admin"
            return 200, {
                "id": message["id"],
                "state": "declined",
                "processorCode": "shopify:not_offered",
                "text": text,
            }
        except (httpx.HTTPError, RecoupError, KeyError, TypeError, ValueError) as error:
            print(f"later: {type(error).__name__}", file=sys.stderr, flush=True)
            return 503, {}

    def log_message(self, format: str, *args: Any) -> None:
        """The events above are enough."""


if __name__ == "__main__":
    Door.shopify = Shopify()
    port = int(sys.argv[1]) if sys.argv[1:] else 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Door) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
