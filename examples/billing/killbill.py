"""Kill Bill: INVOICE_PAYMENT_FAILED becomes a rescue, whose end is written to the invoice. See
hand_over.py for the settings.

Also KILLBILL_URL, KILLBILL_USER, KILLBILL_PASSWORD, KILLBILL_API_KEY, KILLBILL_API_SECRET. Register
/billing/$HOOK_SECRET by `POST /1.0/kb/tenants/registerNotificationCallback?cb=…`: Kill Bill signs
nothing, the path is the secret. The tag AUTO_PAY_OFF stops all payments of the account; without it,
removed, Kill Bill pays at once.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
from hand_over import Declined, minor, serve

AUTO_PAY_OFF = "00000000-0000-0000-0000-000000000001"
NO_DECIMALS = {"CLP", "JPY", "KRW", "VND"}  # of the currencies that the merchant uses


class KillBill:
    def __init__(self) -> None:
        self._api = httpx.Client(
            base_url=f"{os.environ['KILLBILL_URL']}/1.0/kb",
            auth=(os.environ["KILLBILL_USER"], os.environ["KILLBILL_PASSWORD"]),
            headers={
                "X-Killbill-ApiKey": os.environ["KILLBILL_API_KEY"],
                "X-Killbill-ApiSecret": os.environ["KILLBILL_API_SECRET"],
                "X-Killbill-CreatedBy": "recoup",
            },
            timeout=20,
        )

    def declined(self, event: Mapping[str, Any]) -> Declined | None:
        """A notification has ids only: the facts are read from the API."""
        if event["eventType"] != "INVOICE_PAYMENT_FAILED":
            return None
        payment = self._get(f"/payments/{event['objectId']}?withPluginInfo=true")
        invoice = self._invoice_of(payment)
        if invoice is None or invoice["balance"] <= 0 or invoice["status"] != "COMMITTED":
            return None
        account = self._get(f"/accounts/{payment['accountId']}")
        method = self._get(f"/paymentMethods/{payment['paymentMethodId']}?withPluginInfo=true")
        last = payment["transactions"][-1]
        plugin = {one["key"]: one["value"] for one in method["pluginInfo"]["properties"]}
        return Declined(
            invoice=invoice["invoiceId"],
            transaction=last["transactionId"],
            at=datetime.fromisoformat(last["effectiveDate"]),
            units=minor(invoice["balance"], _decimals(invoice["currency"])),
            currency=invoice["currency"],
            code=last["gatewayErrorCode"],
            code_source="stripe",
            text=last["gatewayErrorMsg"] or "Declined",
            method=method["pluginInfo"]["externalPaymentMethodId"],
            customer=plugin["customer"],
            payer=account["externalKey"],
            email=account["email"],
        )

    def pause(self, declined: Declined, until: datetime) -> None:
        account = self._get(f"/invoices/{declined.invoice}")["accountId"]
        if AUTO_PAY_OFF not in self._tags(account):
            self._api.post(f"/accounts/{account}/tags", json=[AUTO_PAY_OFF]).raise_for_status()

    def record(self, invoice: str, units: int, currency: str, reference: str) -> None:
        """Booked first: the tag, once removed, makes Kill Bill pay what is still due."""
        due = self._get(f"/invoices/{invoice}")
        if due["balance"] > 0:
            amount = str(Decimal(units).scaleb(-_decimals(currency)))
            body = {
                "accountId": due["accountId"],
                "targetInvoiceId": invoice,
                "purchasedAmount": amount,
            }
            self._api.post(
                f"/invoices/{invoice}/payments?externalPayment=true", json=body
            ).raise_for_status()
        self._untag(due["accountId"])

    def resume(self, invoice: str) -> None:
        """The account stays tagged: what becomes of an unpaid invoice is for the merchant's overdue
        rules."""

    def _invoice_of(self, payment: Mapping[str, Any]) -> Mapping[str, Any] | None:
        found = self._get(f"/accounts/{payment['accountId']}/invoicePayments")
        mine = [one for one in found if one["paymentId"] == payment["paymentId"]]
        return self._get(f"/invoices/{mine[0]['targetInvoiceId']}") if mine else None

    def _tags(self, account: str) -> list[str]:
        return [one["tagDefinitionId"] for one in self._get(f"/accounts/{account}/tags")]

    def _untag(self, account: str) -> None:
        if AUTO_PAY_OFF in self._tags(account):
            self._api.delete(f"/accounts/{account}/tags?tagDef={AUTO_PAY_OFF}").raise_for_status()

    def _get(self, path: str) -> Any:
        return self._api.get(path).raise_for_status().json(parse_float=Decimal)


def _decimals(currency: str) -> int:
    return 0 if currency in NO_DECIMALS else 2


if __name__ == "__main__":
    serve(KillBill())
