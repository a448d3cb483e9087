"""Invoices of Stripe Billing: as they stand, who retries them, and what was paid elsewhere."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from recoup.gateways.cards.connector import BilledInvoice
from recoup.gateways.cards.outcome import Outcome
from recoup.gateways.cards.transport import NoAnswerError, NotSentError, Reply
from recoup_connectors.stripe import amounts
from recoup_connectors.stripe.api import Api, Form, reason_of, unavailable
from recoup_connectors.stripe.outcomes import Invoice, StripeError, declined, read

SECONDS: Final = 10.0
OWN_TRIES_MAX: Final = 9  # the first, and eight of Smart Retries
_EXPANDED: Final = {"expand": ["payments.data.payment.payment_intent"]}
_OVER: Final = frozenset({"void", "uncollectible", "draft"})
_SUBSCRIPTION_OVER: Final = frozenset({"canceled", "incomplete_expired"})


class Billed(Invoice, frozen=True):
    """`default_payment_method` before the subscription's, and that before the customer's."""

    collection_method: str = ""
    default_payment_method: str | None = None
    customer_email: str | None = None
    auto_advance: bool = False
    attempt_count: int = 0
    next_payment_attempt: int | None = None
    parent: Mapping[str, Any] | None = None

    @property
    def subscription(self) -> str | None:
        details = (self.parent or {}).get("subscription_details") or {}
        found = details.get("subscription")
        return found if isinstance(found, str) else None


class Subscription(msgspec.Struct, frozen=True):
    id: str
    status: str
    default_payment_method: str | None = None


class InvoiceSettings(msgspec.Struct, frozen=True):
    default_payment_method: str | None = None


class Customer(msgspec.Struct, frozen=True):
    id: str
    email: str | None = None
    invoice_settings: InvoiceSettings = InvoiceSettings()


class Invoices:
    """The part of the connector that knows Stripe's own billing."""

    _api: Api

    async def billed_invoice(self, invoice: str) -> BilledInvoice | None:
        reply = await self._seen(f"/v1/invoices/{invoice}", _EXPANDED)
        if reply.status == 404:
            return None
        found = read(Billed, reply) if reply.status == 200 else None
        if found is None or found.id != invoice:
            raise unavailable(reason_of(reply))
        units, currency = amounts.units_of(found.amount_remaining, found.currency.upper()), found.currency.upper()
        if units is None or found.customer is None:
            return None
        subscription = await self._subscription(found.subscription)
        customer = await self._customer(found.customer)
        ended = found.status if found.status in _OVER else None
        if subscription is not None and subscription.status in _SUBSCRIPTION_OVER:
            ended = ended or f"subscription_{subscription.status}"
        at = found.next_payment_attempt
        goes_on = found.auto_advance and at is not None
        return BilledInvoice(
            found.id,
            found.status == "paid",
            ended,
            found.collection_method == "charge_automatically",
            found.customer,
            found.customer_email or customer.email or "",
            found.default_payment_method
            or (subscription.default_payment_method if subscription is not None else None)
            or customer.invoice_settings.default_payment_method,
            units,
            currency,
            found.attempt_count,
            found.auto_advance,
            datetime.fromtimestamp(at, UTC) if goes_on and at is not None else None,
            max(1, OWN_TRIES_MAX - found.attempt_count) if goes_on else 0,
            found.subscription,
            _decline(found),
        )

    async def _subscription(self, id: str | None) -> Subscription | None:
        if id is None:
            return None
        reply = await self._seen(f"/v1/subscriptions/{id}", {})
        found = read(Subscription, reply) if reply.status == 200 else None
        if found is None and reply.status != 404:
            raise unavailable(reason_of(reply))
        return found or Subscription(id, "canceled")

    async def _customer(self, id: str) -> Customer:
        reply = await self._seen(f"/v1/customers/{id}", {})
        found = read(Customer, reply) if reply.status == 200 else None
        if found is None and reply.status != 404:
            raise unavailable(reason_of(reply))
        return found or Customer(id)

    async def set_own_retries(self, invoice: str, key: str, *, on: bool) -> None:
        await self._confirmed(f"/v1/invoices/{invoice}", {"auto_advance": on}, key)

    async def mark_paid(self, invoice: str, key: str) -> None:
        now = await self.billed_invoice(invoice)
        if now is not None and not now.is_paid and now.ended is None:
            await self._confirmed(f"/v1/invoices/{invoice}/pay", {"paid_out_of_band": True}, key)

    async def _confirmed(self, path: str, form: Form, key: str) -> None:
        try:
            reply = await self._api.post(path, form, key, until=self._api.now() + SECONDS)
        except (NotSentError, NoAnswerError) as error:
            raise unavailable(f"{error}") from None
        if reply.status != 200:
            raise unavailable(reason_of(reply))

    async def _seen(self, path: str, form: Form) -> Reply:
        try:
            return await self._api.get(path, form)
        except (NotSentError, NoAnswerError) as error:
            raise unavailable(f"{error}") from None


def _decline(invoice: Billed) -> Outcome:
    """Of the newest payment of the invoice."""
    for one in (invoice.payments or {}).get("data", ()):
        intent = (one.get("payment") or {}).get("payment_intent")
        error = intent.get("last_payment_error") if isinstance(intent, dict) else None
        if isinstance(intent, dict) and isinstance(error, dict):
            # the advice is read only of the cards of that scheme
            return declined(msgspec.convert(error, StripeError), None, intent["id"], scheme="mastercard")
    return Outcome("declined")
