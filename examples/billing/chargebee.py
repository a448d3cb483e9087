"""Chargebee: `payment_failed` becomes a rescue, whose end is written to the invoice. See
hand_over.py for the settings.

Also CHARGEBEE_URL (https://SITE.chargebee.com) and CHARGEBEE_KEY, with the right to change
invoices. In Chargebee, send the event `payment_failed` to /billing/$HOOK_SECRET.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
from hand_over import Declined, serve


class Chargebee:
    def __init__(self) -> None:
        auth = httpx.BasicAuth(os.environ["CHARGEBEE_KEY"], "")
        self._api = httpx.Client(base_url=os.environ["CHARGEBEE_URL"], auth=auth, timeout=20)

    def declined(self, event: Mapping[str, Any]) -> Declined | None:
        if event["event_type"] != "payment_failed":
            return None
        failed, customer = event["content"]["transaction"], event["content"]["customer"]
        invoice = self._invoice(event["content"]["invoice"]["id"])
        if (
            failed["payment_method"] != "card"
            or not invoice["amount_due"]
            or invoice["status"] == "voided"
        ):
            return None
        stored = self._get(f"/payment_sources/{failed['payment_source_id']}")["payment_source"]
        gateway_customer, _, method = stored["reference_id"].rpartition("/")
        detail = failed.get("error_detail") or {}
        network = detail.get("network_error_code")
        return Declined(
            invoice=invoice["id"],
            transaction=failed["id_at_gateway"],
            at=datetime.fromtimestamp(failed["date"], UTC),
            units=invoice["amount_due"],
            currency=invoice["currency_code"],
            code=network or detail.get("decline_code") or failed["error_code"],
            code_source=failed["gateway"],
            text=failed.get("error_text") or "Declined",
            method=method,
            customer=gateway_customer,
            payer=customer["id"],
            email=customer["email"],
        )

    def pause(self, declined: Declined, until: datetime) -> None:
        """Dunning goes on by itself once `until` has passed, should nobody resume it."""
        self._post(
            f"/invoices/{declined.invoice}/pause_dunning",
            {"expected_payment_date": str(int(until.timestamp()))},
        )

    def record(self, invoice: str, units: int, currency: str, reference: str) -> None:
        due = self._invoice(invoice)
        if not due["amount_due"] or any(
            one.get("reference_number") == reference for one in self._payments(invoice)
        ):
            return
        paid = {"payment_method": "other", "amount": str(units), "reference_number": reference}
        now = str(int(datetime.now(UTC).timestamp()))
        form = {f"transaction[{name}]": value for name, value in (paid | {"date": now}).items()}
        self._post(f"/invoices/{invoice}/record_payment", form)

    def resume(self, invoice: str) -> None:
        if self._invoice(invoice).get("dunning_status") == "paused":
            self._post(f"/invoices/{invoice}/resume_dunning", {})

    def _invoice(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self._get(f"/invoices/{id}")["invoice"]
        return found

    def _payments(self, id: str) -> list[dict[str, Any]]:
        return [one["transaction"] for one in self._get(f"/invoices/{id}/payments")["list"]]

    def _get(self, path: str) -> Any:
        return self._api.get(f"/api/v2{path}").raise_for_status().json()

    def _post(self, path: str, form: Mapping[str, str]) -> None:
        self._api.post(f"/api/v2{path}", data=dict(form)).raise_for_status()


if __name__ == "__main__":
    serve(Chargebee())
