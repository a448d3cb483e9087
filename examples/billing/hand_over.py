"""Recoup's side of a hand-over, the same for every billing system. The files beside this one are
the other side.

    make client && pip install ./clients/python
    BASE=… APP_KEY=… APP_SECRET=… MID=… ROUTE=… WEBHOOK_KEY=… HOOK_SECRET=… \\
      python3 examples/billing/chargebee.py 8090

`/billing/$HOOK_SECRET` takes the billing system's events, `/recoup` Recoup's. ROUTE is the name of
the card route whose processor stores the cards. Every answer other than 2xx makes the sender repeat
its event: each step may come twice.
"""

import hmac
import http.server
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import httpx

from recoup_client import Recoup, RecoupError, SignatureError, construct_event

RESCUE_DAYS = 21
BODY_MAX = 1_000_000


@dataclass(frozen=True)
class Declined:
    """A recurring payment that was declined. `units`: minor units; `method`, `customer`: as the
    processor stores them; `code`: the network's two characters where they are known, else the code
    of `code_source` (stripe, adyen, …). `card`: members of `paymentMethod` that the processor does
    not say itself."""

    invoice: str
    transaction: str
    at: datetime
    units: int
    currency: str
    code: str
    code_source: str
    text: str
    method: str
    customer: str
    payer: str
    email: str
    card: Mapping[str, Any] = field(default_factory=dict)


class Billing(Protocol):
    """What a billing system must be able to do. Errors of `httpx` are repeated later."""

    def declined(self, event: Mapping[str, Any]) -> Declined | None:
        """The decline of this event, as the billing system has it now; None for any other event."""
        ...

    def pause(self, declined: Declined, until: datetime) -> None:
        """Ends the billing system's own retries of the invoice. Twice is once."""
        ...

    def record(self, invoice: str, units: int, currency: str, reference: str) -> None:
        """Books the payment that Recoup made, unless nothing is due any more."""
        ...

    def resume(self, invoice: str) -> None:
        """Gives the invoice back, unpaid. Twice is once."""
        ...


def evaluate_body(declined: Declined, until: datetime) -> dict[str, Any]:
    """One order an invoice: a later decline of the same invoice is a repeat."""
    return {
        "mid": os.environ["MID"],
        "orderId": declined.invoice,
        "idempotencyKey": f"{declined.invoice}:{declined.transaction}",
        "isDeclined": True,
        "isMIT": True,
        "isRecurring": True,
        "expiryDateUtc": until.isoformat(),
        "transaction": {
            "id": declined.transaction,
            "timestampUtc": declined.at.isoformat(),
            "amount": declined.units,
            "currency": declined.currency,
            "responseCode": declined.code,
            "responseCodeSource": declined.code_source,
            "responseDescription": declined.text,
            "avsResultCode": "NA",
            "cvvResultCode": "NA",
            "cavvResultCode": "NA",
        },
        "payer": {"id": declined.payer, "email": declined.email},
        "paymentMethod": {
            "processor": os.environ["ROUTE"],
            "id": declined.method,
            "customer": declined.customer,
            **declined.card,
        },
    }


def hand_over(billing: Billing, event: Mapping[str, Any]) -> str:
    """Pauses first: a payment that two systems retry may be taken twice. What Recoup refuses is
    given back at once."""
    declined = billing.declined(event)
    if declined is None:
        return "nothing to do"
    until = datetime.now(UTC) + timedelta(days=RESCUE_DAYS)
    billing.pause(declined, until)
    with Recoup(os.environ["BASE"], os.environ["APP_KEY"], os.environ["APP_SECRET"]) as recoup:
        try:
            answer = recoup.evaluate(evaluate_body(declined, until))  # type: ignore[arg-type]
        except RecoupError as error:
            if error.status == 409:
                return f"{declined.invoice}: already handed over"
            if error.status == 400:
                billing.resume(declined.invoice)
                return f"{declined.invoice}: refused, given back: {error.message} {error.fields}"
            raise
    return f"{declined.invoice}: {answer['status']}"


def write_back(billing: Billing, event: Mapping[str, Any]) -> str:
    """What came of it. An invoice that was paid elsewhere is left as it is."""
    invoice, data = event["ExternalOrderId"], event["EventData"]
    if event["Event"] == "order.completed":
        billing.record(invoice, data["Amount"], data["Currency"], event["OrderId"])
        return f"{invoice}: paid"
    if (
        event["Event"] in ("order.expired", "order.cancelled")
        and data.get("Reason") != "paid_elsewhere"
    ):
        billing.resume(invoice)
        return f"{invoice}: given back"
    return "nothing to do"


def minor(amount: Any, decimals: int) -> int:
    """Major units, as text or a Decimal, to minor units; never by float."""
    units = Decimal(str(amount)).scaleb(decimals)
    if units != units.to_integral_value():
        raise ValueError("the amount has too many decimals")
    return int(units)


def serve(billing: Billing) -> None:
    """Listens on 127.0.0.1, on the port of the command line; TLS ends at the proxy before it."""
    secret = os.environ["HOOK_SECRET"].encode()

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(min(length, BODY_MAX))
            status = self.take(body)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def take(self, body: bytes) -> int:
            try:
                if self.path == "/recoup":
                    event = construct_event(body, self.headers, os.environ["WEBHOOK_KEY"])
                    print(write_back(billing, event), flush=True)
                elif hmac.compare_digest(self.path.removeprefix("/billing/").encode(), secret):
                    print(hand_over(billing, json.loads(body, parse_float=Decimal)), flush=True)
                else:
                    return 401
            except SignatureError as error:
                print(error, file=sys.stderr, flush=True)
                return 401
            except (httpx.HTTPError, RecoupError, KeyError, ValueError) as error:
                print(f"later: {type(error).__name__}", file=sys.stderr, flush=True)
                return 503
            return 204

        def log_message(self, format: str, *args: Any) -> None:
            """The path has a secret."""

    port = int(sys.argv[1]) if sys.argv[1:] else 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Hook) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
