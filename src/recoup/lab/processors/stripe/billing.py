"""The stand-in's billing: subscriptions and their invoices, which Stripe retries by itself."""

from collections.abc import Callable
from typing import Any, Final

from recoup.lab.processors.book import Book
from recoup.lab.processors.stripe.refusal import Plain, Refused, bad, whole

RETRY_AFTER: Final = 259_200  # seconds
OWN_TRIES_MAX: Final = 8


class Invoices:
    """A part of the account."""

    book: Book
    request: Plain
    _clock: Callable[[], float]
    need: Callable[[str, str], Plain]
    _new: Callable[..., Plain]
    _tell: Callable[[str, Plain], None]
    make_intent: Callable[[Plain], Plain]
    confirm: Callable[[str, Plain], Plain]

    def change_customer(self, id: str, form: Plain) -> Plain:
        return self.book.put(self.need("customer", id) | {name: form[name] for name in form if name != "expand"})

    def make_subscription(self, form: Plain) -> Plain:
        method = form.get("default_payment_method")
        return self._new("subscription", customer=form.get("customer"), status="active", default_payment_method=method)

    def end_subscription(self, id: str) -> Plain:
        subscription = self.book.put(self.need("subscription", id) | {"status": "canceled"})
        self._tell("customer.subscription.deleted", subscription)
        return subscription

    def make_invoice(self, form: Plain) -> Plain:
        """Open, as Stripe's own try has left it."""
        amount = whole(form.get("amount_due", 0), "amount_due")
        return self._new(
            "invoice",
            customer=form.get("customer"),
            currency=form.get("currency", "usd"),
            amount_due=amount,
            amount_remaining=amount,
            amount_paid=0,
            status="open",
            auto_advance=True,
            collection_method=form.get("collection_method", "charge_automatically"),
            default_payment_method=form.get("default_payment_method"),
            parent={"subscription_details": {"subscription": form.get("subscription")}},
            payments=[],
            attempt_count=0,
            next_payment_attempt=int(self._clock()) + RETRY_AFTER,
        )

    def retry_invoice(self, id: str) -> Plain:
        """Stripe's own try: nobody's call causes it."""
        invoice, before = self.need("invoice", id), self.request
        if invoice["status"] != "open" or not invoice["auto_advance"]:
            return invoice
        invoice |= {"attempt_count": invoice["attempt_count"] + 1, "next_payment_attempt": None}
        if invoice["attempt_count"] < OWN_TRIES_MAX:
            invoice["next_payment_attempt"] = int(self._clock()) + RETRY_AFTER
        self.book.put(invoice)
        self.request = {"id": None, "idempotency_key": None}
        try:
            return self.pay_invoice(id, {"payment_method": self._default(invoice), "off_session": "true"})
        except Refused:
            return self.need("invoice", id)
        finally:
            self.request = before

    def _default(self, invoice: Plain) -> Any:
        subscription = invoice["parent"]["subscription_details"]["subscription"]
        named = self.need("subscription", subscription)["default_payment_method"] if subscription else None
        customer = self.need("customer", invoice["customer"])
        return invoice["default_payment_method"] or named or customer["invoice_settings"].get("default_payment_method")

    def close_invoice(self, id: str, status: str) -> Plain:
        """`void` or `uncollectible`."""
        invoice = self.need("invoice", id)
        if invoice["status"] != "open":
            raise bad("invoice_not_open", f"Invoice is {invoice['status']}.")
        invoice |= {"status": status, "auto_advance": False, "next_payment_attempt": None}
        self.book.put(invoice)
        self._tell("invoice.voided" if status == "void" else "invoice.marked_uncollectible", invoice)
        return invoice

    def change_invoice(self, id: str, form: Plain) -> Plain:
        invoice = self.need("invoice", id)
        if "auto_advance" in form:
            advances = form["auto_advance"] == "true"
            retry = int(self._clock()) + 259_200 if advances else None
            invoice |= {"auto_advance": advances, "next_payment_attempt": retry}
        return self.book.put(invoice)

    def pay_invoice(self, id: str, form: Plain) -> Plain:
        invoice = self.need("invoice", id)
        if invoice["status"] != "open":
            raise bad("invoice_already_paid", f"Invoice is already {invoice['status']}.")
        if form.get("paid_out_of_band") == "true":
            return self._paid(invoice, None)
        invoice["attempt_count"] = max(invoice["attempt_count"], 1)  # any first try counts, later only Stripe's own
        about = {
            "amount": invoice["amount_remaining"],
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "payment_method": form.get("payment_method"),
        }
        intent = self.make_intent(about)
        try:
            intent = self.confirm(intent["id"], {"off_session": form.get("off_session")})
        except Refused:
            invoice["payments"].insert(0, {"status": "open", "intent": intent["id"]})
            self.book.put(invoice)
            self._tell("invoice.payment_failed", invoice)
            raise
        return self._paid(invoice, intent["id"])

    def _paid(self, invoice: Plain, intent: str | None) -> Plain:
        if intent is not None:
            invoice["payments"].insert(0, {"status": "paid", "intent": intent})
        paid = {"status": "paid", "amount_paid": invoice["amount_remaining"], "amount_remaining": 0}
        invoice |= paid | {"auto_advance": False, "next_payment_attempt": None, "paid_out_of_band": intent is None}
        self.book.put(invoice)
        self._tell("invoice.paid", invoice)
        return invoice
