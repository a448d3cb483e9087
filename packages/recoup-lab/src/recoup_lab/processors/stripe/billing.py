"""The stand-in's billing: subscriptions and their invoices, which Stripe retries by itself."""

from collections.abc import Callable
from typing import Any, Final

from recoup_lab.processors.book import Book
from recoup_lab.processors.stripe.refusal import Plain, Refused, bad, whole

RETRY_AFTER: Final = 259_200  # seconds
OWN_TRIES_MAX: Final = 8
_NOTHING: Final = (
    "amount_overpaid", "amount_paid", "amount_shipping", "attempt_count", "post_payment_credit_notes_amount",
    "pre_payment_credit_notes_amount", "starting_balance",
)  # fmt: skip


def _page(url: str) -> Plain:
    return {"object": "list", "data": [], "has_more": False, "url": url}


class Invoices:
    """A part of the account."""

    book: Book
    request: Plain
    _clock: Callable[[], float]
    need: Callable[..., Plain]
    _new: Callable[..., Plain]
    _tell: Callable[[str, Plain], None]
    make_intent: Callable[[Plain], Plain]
    confirm: Callable[[str, Plain], Plain]

    def change_customer(self, id: str, form: Plain) -> Plain:
        return self.book.put(self.need("customer", id) | {name: form[name] for name in form if name != "expand"})

    def make_subscription(self, form: Plain) -> Plain:
        now = int(self._clock())
        return self._new(
            "subscription",
            customer=form.get("customer"),
            status="active",
            default_payment_method=form.get("default_payment_method"),
            automatic_tax={"enabled": False},
            billing_cycle_anchor=now,
            cancel_at_period_end=False,
            collection_method=form.get("collection_method", "charge_automatically"),
            currency=form.get("currency", "usd"),
            discounts=[],
            invoice_settings={"issuer": {"type": "self"}},
            items=_page("/v1/subscription_items"),
            start_date=now,
        )

    def end_subscription(self, id: str) -> Plain:
        subscription = self.book.put(self.need("subscription", id) | {"status": "canceled"})
        self._tell("customer.subscription.deleted", subscription)
        return subscription

    def make_invoice(self, form: Plain) -> Plain:
        """An open invoice at once, as Stripe's own try has left it; over HTTP it is drafted and finalised first."""
        return self._invoice(form, whole(form.get("amount_due", 0), "amount_due"), "open")

    def make_item(self, form: Plain) -> Plain:
        now, invoice = int(self._clock()), form.get("invoice")
        customer = self.need("customer", form["customer"], "customer")["id"]
        if invoice is not None and self.need("invoice", invoice, "invoice")["status"] != "draft":
            raise bad("invoice_not_editable", "This invoice is no longer editable.", param="invoice")
        item = self._new(
            "invoiceitem",
            amount=whole(form.get("amount", "0"), "amount"),
            currency=form.get("currency", "usd").lower(),
            customer=customer,
            date=now,
            description=form.get("description"),
            discountable=True,
            invoice=invoice,
            period={"start": now, "end": now},
            proration=False,
            quantity=1,
        )
        if invoice is not None:
            self._add(self.need("invoice", invoice), item)
        return item

    def draft_invoice(self, form: Plain) -> Plain:
        customer = self.need("customer", str(form.get("customer")), "customer")["id"]
        invoice = self._invoice(form, 0, "draft")
        if form.get("pending_invoice_items_behavior") == "include":
            for item in self.book.all("invoiceitem"):
                if item["customer"] == customer and item["invoice"] is None:
                    self._add(invoice, self.book.put(item | {"invoice": invoice["id"]}))
        return invoice

    def _add(self, invoice: Plain, item: Plain) -> None:
        total = invoice["total"] + item["amount"]
        sums = dict.fromkeys(("amount_due", "amount_remaining", "subtotal", "total"), total)
        self.book.put(invoice | sums | {"currency": item["currency"]})
        invoice |= sums

    def finalize(self, id: str) -> Plain:
        invoice = self.need("invoice", id)
        if invoice["status"] != "draft":
            raise bad("invoice_already_finalized", "This invoice is already finalized.")
        return self.book.put(invoice | {"status": "open", "next_payment_attempt": int(self._clock()) + RETRY_AFTER})

    def _invoice(self, form: Plain, amount: int, status: str) -> Plain:
        now, subscription = int(self._clock()), form.get("subscription")
        parent = {"type": "subscription_details", "subscription_details": {"subscription": subscription}}
        return self._new(
            "invoice",
            customer=form.get("customer"),
            currency=form.get("currency", "usd"),
            **dict.fromkeys(("amount_due", "amount_remaining", "subtotal", "total"), amount),
            **dict.fromkeys(_NOTHING, 0),
            status=status,
            auto_advance=form.get("auto_advance", "true") == "true",
            collection_method=form.get("collection_method", "charge_automatically"),
            default_payment_method=form.get("default_payment_method"),
            parent=parent if subscription else None,
            payments=[],
            attempted=False,
            automatic_tax={"enabled": False},
            default_tax_rates=[],
            discounts=[],
            issuer={"type": "self"},
            lines=_page("/v1/invoices/lines"),
            payment_settings={},
            period_start=now,
            period_end=now,
            status_transitions={},
            next_payment_attempt=now + RETRY_AFTER if status == "open" else None,
        )

    def payments_of(self, invoice: Plain) -> Plain:
        """Payments of an invoice, for a call that expands them."""
        rows = [
            {
                "id": f"inpay_{invoice['id']}_{number}",
                "object": "invoice_payment",
                "amount_paid": invoice["amount_paid"] if one["status"] == "paid" else None,
                "amount_requested": invoice["amount_due"],
                "created": invoice["created"],
                "currency": invoice["currency"],
                "invoice": invoice["id"],
                "is_default": number == len(invoice["payments"]) - 1,
                "livemode": invoice["livemode"],
                "payment": {"type": "payment_intent", "payment_intent": one["intent"]},
                "status": one["status"],
                "status_transitions": {},
            }
            for number, one in enumerate(invoice["payments"])
        ]
        return _page(f"/v1/invoices/{invoice['id']}/payments") | {"data": rows}

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
        parent = invoice["parent"] or {}
        subscription = parent.get("subscription_details", {}).get("subscription")
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
            retry = int(self._clock()) + RETRY_AFTER if advances else None
            invoice |= {"auto_advance": advances, "next_payment_attempt": retry}
        return self.book.put(invoice)

    def pay_invoice(self, id: str, form: Plain) -> Plain:
        invoice = self.need("invoice", id)
        if invoice["status"] != "open":
            raise bad("invoice_already_paid", f"Invoice is already {invoice['status']}.")
        if form.get("paid_out_of_band") == "true":
            return self._paid(invoice, None)
        invoice |= {
            "attempted": True,
            "attempt_count": max(invoice["attempt_count"], 1),
        }  # any first try counts, later only Stripe's own
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
