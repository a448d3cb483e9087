"""Invoices of Stripe Billing: as they stand, who retries them, and what was paid elsewhere."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from recoup.processors.gateways.connector import BilledInvoice, Notice
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.transport import NoAnswerError, NotSentError, Reply
from recoup.processors.rules.billing import InvoiceState
from recoup_connectors.stripe import amounts
from recoup_connectors.stripe.api import (
    Api,
    Event,
    Form,
    notice_of,
    read_as,
    reason_of,
    unavailable,
)
from recoup_connectors.stripe.outcomes import Invoice, StripeError, T, declined, read

SECONDS: Final = 10.0
OWN_TRIES_MAX: Final = 9  # the first, and eight of Smart Retries
_EXPANDED: Final = {"expand": ["payments.data.payment.payment_intent"]}
_BEGUN: Final = ["data.parent.subscription_details.subscription"]


class Billed(Invoice, frozen=True):
    created: int = 0
    total: int = 0
    pre_payment_credit_notes_amount: int = 0
    collection_method: str = ""
    billing_reason: str | None = None
    default_payment_method: str | None = None
    default_source: str | None = None
    customer_email: str | None = None
    auto_advance: bool | None = False
    attempt_count: int = 0
    next_payment_attempt: int | None = None
    lines: Mapping[str, Any] | None = None
    parent: Mapping[str, Any] | None = None

    @property
    def subscription(self) -> Any:
        """Its id, unless it was expanded."""
        return ((self.parent or {}).get("subscription_details") or {}).get("subscription")

    @property
    def products(self) -> set[Any]:
        priced = [one.get("pricing") or {} for one in (self.lines or {}).get("data") or ()]
        return {(one.get("price_details") or {}).get("product") for one in priced} - {None}

    def is_paid_by(self, other: "Billed") -> bool:
        """True when its customer has paid the same thing by another, paid since: by a new
        subscription to one of its products, or by an invoice for as much. What names no product may
        be of any."""
        since, shared = other.subscription, self.products & other.products
        is_same = other.total == self.total and bool(
            shared or not (self.products and other.products)
        )
        if isinstance(since, dict):
            is_new = (
                since.get("id") != self.subscription and since.get("created", 0) >= self.created
            )
            return is_new and bool(shared or is_same)
        return since is None and other.id != self.id and is_same


class Subscription(msgspec.Struct, frozen=True):
    id: str
    status: str
    default_payment_method: str | None = None
    default_source: str | None = None
    pause_collection: Any = None
    pending_update: Any = None

    @property
    def standing(self) -> str:
        """The subscription's state as `InvoiceState` has it."""
        if self.status in ("active", "past_due", "trialing"):
            return (
                "paused"
                if self.pause_collection
                else "incomplete"
                if self.pending_update
                else self.status
            )
        return self.status


class Customer(msgspec.Struct, frozen=True):
    id: str
    email: str | None = None
    default_source: str | None = None
    invoice_settings: Mapping[str, Any] | None = None

    @property
    def default_payment_method(self) -> Any:
        return (self.invoice_settings or {}).get("default_payment_method")


def _method(*holders: Any) -> str | None:
    """The method that would be charged: the holders in turn, of each its method before its
    source."""
    names = ("default_payment_method", "default_source")
    return next(
        filter(None, (getattr(holder, name, None) for holder in holders for name in names)), None
    )


class Invoices:
    """The part of the connector that knows Stripe's own billing."""

    _api: Api
    _account: str
    live: bool

    async def billed_invoice(self, invoice: str) -> BilledInvoice | None:
        reply = await self._seen(f"/v1/invoices/{invoice}", _EXPANDED)
        if reply.status == 404:
            return None
        found = read(Billed, reply) if reply.status == 200 else None
        if found is None or found.id != invoice:
            raise unavailable(reason_of(reply))
        units, currency = (
            amounts.units_of(found.amount_remaining, found.currency.upper()),
            found.currency.upper(),
        )
        if units is None or found.customer is None:
            return None
        subscription, id, customer = (
            None,
            found.subscription,
            Customer(found.customer, found.customer_email),
        )
        if id is not None:
            subscription = await self._one(
                Subscription, f"/v1/subscriptions/{id}", Subscription(id, "canceled")
            )
        method = _method(found, subscription)
        if method is None or not customer.email:
            customer = await self._one(Customer, f"/v1/customers/{customer.id}", customer)
        at = found.next_payment_attempt if found.auto_advance else None
        state = InvoiceState(
            units,
            found.status,
            found.pre_payment_credit_notes_amount,
            found.amount_paid,
            found.collection_method == "charge_automatically",
            found.billing_reason,
            bool(found.auto_advance),
            found.attempt_count,
            found.next_payment_attempt is not None,
            method or _method(customer),
            subscription.standing if subscription is not None else None,
            await self._paid_by(found) if found.status == "open" else None,
        )
        return BilledInvoice(
            state,
            found.customer,
            customer.email or "",
            currency,
            datetime.fromtimestamp(at, UTC) if at is not None else None,
            max(1, OWN_TRIES_MAX - found.attempt_count) if at is not None else 0,
            id,
            _decline(found),
        )

    async def _paid_by(self, found: Billed) -> str | None:
        """The customer's later invoice for the same thing, which is paid."""
        form = {"customer": found.customer, "status": "paid", "created": {"gte": found.created}}
        async for page in self._api.pages("/v1/invoices", form | {"expand": _BEGUN}):
            for one in page:
                if found.is_paid_by(read_as(Billed, one)):
                    return str(one["id"])
        return None

    async def failed_since(self, since: datetime) -> list[Notice]:
        form = {"type": "invoice.payment_failed", "created": {"gte": int(since.timestamp())}}
        return [
            notice_of(read_as(Event, one), account=self._account, live=self.live)
            async for page in self._api.pages("/v1/events", form)
            for one in page
        ]

    async def _one(self, kind: type[T], path: str, missing: T) -> T:
        reply = await self._seen(path, {})
        found = read(kind, reply) if reply.status == 200 else None
        if found is None and reply.status != 404:
            raise unavailable(reason_of(reply))
        return found or missing

    async def set_own_retries(self, invoice: str, key: str, *, on: bool) -> None:
        await self._confirmed(f"/v1/invoices/{invoice}", {"auto_advance": on}, key)

    async def mark_paid(self, invoice: str, key: str) -> None:
        now = await self.billed_invoice(invoice)
        if now is not None and now.state.status == "open":
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
    """The decline of the invoice's newest payment."""
    for one in (invoice.payments or {}).get("data", ()):
        intent = (one.get("payment") or {}).get("payment_intent")
        error = intent.get("last_payment_error") if isinstance(intent, dict) else None
        if isinstance(intent, dict) and isinstance(error, dict):
            # the advice is read only of the cards of that scheme
            return declined(read_as(StripeError, error), None, intent["id"], scheme="mastercard")
    return Outcome("declined")
