"""Recurly: a failed payment becomes a rescue, whose end is written to the invoice. See hand_over.py
for the settings.

Also RECURLY_URL (https://v3.recurly.com or https://v3.eu.recurly.com) and RECURLY_KEY. In Recurly,
pause the retries of the dunning campaign: it has no call that pauses one invoice. Send JSON
notifications to /billing/$HOOK_SECRET.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
from hand_over import Declined, minor, serve

NO_DECIMALS = {"CLP", "JPY", "KRW", "VND"}  # of the currencies that the merchant uses


class Recurly:
    def __init__(self) -> None:
        headers = {"accept": "application/vnd.recurly.v2021-02-25+json"}
        auth = httpx.BasicAuth(os.environ["RECURLY_KEY"], "")
        self._api = httpx.Client(
            base_url=os.environ["RECURLY_URL"], auth=auth, headers=headers, timeout=20
        )

    def declined(self, event: Mapping[str, Any]) -> Declined | None:
        """A notification has ids only: the facts are read from the API."""
        if (event["object_type"], event["event_type"]) != ("payment", "failed"):
            return None
        failed = self._get(f"/transactions/uuid-{event['uuid']}")
        invoice = self._get(f"/invoices/{failed['invoice']['id']}")
        if (
            failed["status"] != "declined"
            or invoice["state"] != "past_due"
            or not invoice["balance"]
        ):
            return None
        account = self._get(f"/accounts/{failed['account']['id']}")
        tokens = {
            one["reference_type"]: one["token"]
            for one in account["billing_info"]["payment_gateway_references"]
        }
        return Declined(
            invoice=invoice["id"],
            transaction=failed["id"],
            at=datetime.fromisoformat(failed["created_at"]),
            units=minor(invoice["balance"], _decimals(invoice["currency"])),
            currency=invoice["currency"],
            code=failed["gateway_response_code"] or failed["status_code"],
            code_source=failed["payment_gateway"]["type"],
            text=failed["status_message"] or "Declined",
            method=tokens["stripe_payment_method"],
            customer=tokens["stripe_customer"],
            payer=account["code"],
            email=account["email"],
        )

    def pause(self, declined: Declined, until: datetime) -> None:
        """Done for all invoices in Recurly's dunning campaign."""

    def record(self, invoice: str, units: int, currency: str, reference: str) -> None:
        if not self._get(f"/invoices/{invoice}")["balance"]:
            return
        amount = Decimal(units).scaleb(-_decimals(currency))
        body = {
            "payment_method": "other",
            "amount": str(amount),
            "description": f"Recoup {reference}",
        }
        self._api.post(f"/invoices/{invoice}/transactions", json=body).raise_for_status()

    def resume(self, invoice: str) -> None:
        if self._get(f"/invoices/{invoice}")["state"] == "past_due":
            self._api.put(f"/invoices/{invoice}/mark_failed").raise_for_status()

    def _get(self, path: str) -> Any:
        return self._api.get(path).raise_for_status().json(parse_float=Decimal)


def _decimals(currency: str) -> int:
    return 0 if currency in NO_DECIMALS else 2


if __name__ == "__main__":
    serve(Recurly())
