"""The stand-in's billing: subscriptions, their invoices, which Stripe retries by itself, and credit
notes."""

from collections.abc import Callable
from typing import Any, Final

from recoup_lab.processors.book import Book
from recoup_lab.processors.stripe.refusal import Plain, Refused, bad, whole

RETRY_AFTER: Final = 259_200  # seconds
OWN_TRIES_MAX: Final = 8
_NOTHING: Final = (
    "amount_overpaid",
    "amount_paid",
    "amount_shipping",
    "attempt_count",
    "post_payment_credit_notes_amount",
    "pre_payment_credit_notes_amount",
    "starting_balance",
)
_CHANGEABLE: Final = ("default_payment_method", "default_source", "metadata", "pause_collection")
_STOPPED: Final = {"auto_advance": False, "next_payment_attempt": None}
_BEGUN: Final = {"incomplete": "active", "past_due": "active"}  # once its newest invoice is paid


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
        customer = self.need("customer", id)
        settings = customer["invoice_settings"] | form.get("invoice_settings", {})
        return self._changed(customer, form | {"invoice_settings": settings}, "customer.updated")

    def _changed(self, plain: Plain, values: Plain, event: str) -> Plain:
        self._tell(event, self.book.put(plain | values))
        return plain | values

    def make_subscription(self, form: Plain) -> Plain:
        """Makes a subscription that goes on; over HTTP one with items begins with its first
        invoice."""
        now = int(self._clock())
        return self._new(
            "subscription",
            customer=form.get("customer"),
            status="active",
            default_payment_method=form.get("default_payment_method"),
            default_source=form.get("default_source"),
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

    def subscribe(self, form: Plain) -> Plain:
        """A customer at the checkout, whose first invoice is charged once."""
        subscription = self.make_subscription(form)
        for item in form.get("items", ()):
            price = item["price_data"]
            about = {"subscription": subscription["id"], "billing_reason": "subscription_create"}
            about |= {
                "customer": form["customer"],
                "currency": price["currency"],
                "product": price["product"],
            }
            invoice = self._invoice(about, whole(price["unit_amount"], "unit_amount"), "open")
            self.book.put(invoice | {"next_payment_attempt": None})
            begun = {"status": "incomplete", "latest_invoice": invoice["id"]}
            self._changed(subscription, begun, "customer.subscription.created")
            self._try(invoice["id"])
        return self.need("subscription", subscription["id"])

    def change_subscription(self, id: str, form: Plain) -> Plain:
        subscription = self.need("subscription", id)
        if subscription["status"] == "incomplete" and set(form) - {"default_source", "metadata"}:
            raise bad(
                None, "A subscription that is incomplete takes a default source and metadata only."
            )
        return self._changed(subscription, _chosen(form), "customer.subscription.updated")

    def end_subscription(self, id: str) -> Plain:
        """Its open invoices stay open, and are charged no more."""
        subscription = self.book.put(self.need("subscription", id) | {"status": "canceled"})
        for invoice in self.book.all("invoice"):
            if self._subscription_of(invoice) == id and invoice["status"] == "open":
                self.book.put(invoice | _STOPPED)
        self._tell("customer.subscription.deleted", subscription)
        return subscription

    def _subscription_of(self, invoice: Plain) -> str:
        return str((invoice["parent"] or {}).get("subscription_details", {}).get("subscription"))

    def _stands(self, invoice: Plain, statuses: dict[str, str]) -> None:
        """Moves its subscription by the status that this one has."""
        subscription = self.book.get("subscription", self._subscription_of(invoice)) or {}
        if (after := statuses.get(subscription.get("status", ""))) is not None:
            self._changed(subscription, {"status": after}, "customer.subscription.updated")

    def make_invoice(self, form: Plain) -> Plain:
        """An open invoice at once, as Stripe's own try has left it; over HTTP it is drafted and
        finalised first."""
        return self._invoice(form, whole(form.get("amount_due", 0), "amount_due"), "open")

    def make_item(self, form: Plain) -> Plain:
        now, invoice = int(self._clock()), form.get("invoice")
        customer = self.need("customer", form["customer"], "customer")["id"]
        if invoice is not None and self.need("invoice", invoice, "invoice")["status"] != "draft":
            raise bad(
                "invoice_not_editable", "This invoice is no longer editable.", param="invoice"
            )
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
        invoice = self._invoice(
            {"auto_advance": "false", "billing_reason": "manual"} | form, 0, "draft"
        )
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
        retry = int(self._clock()) + RETRY_AFTER if invoice["auto_advance"] else None
        return self.book.put(invoice | {"status": "open", "next_payment_attempt": retry})

    def _invoice(self, form: Plain, amount: int, status: str) -> Plain:
        now, subscription = int(self._clock()), form.get("subscription")
        parent = {
            "type": "subscription_details",
            "subscription_details": {"subscription": subscription},
        }
        advances = form.get("auto_advance", "true") == "true"
        return self._new(
            "invoice",
            customer=form.get("customer"),
            customer_email=(self.book.get("customer", str(form.get("customer"))) or {}).get(
                "email"
            ),
            currency=form.get("currency", "usd"),
            **dict.fromkeys(("amount_due", "amount_remaining", "subtotal", "total"), amount),
            **dict.fromkeys(_NOTHING, 0),
            status=status,
            auto_advance=advances,
            billing_reason=form.get(
                "billing_reason", "subscription_cycle" if subscription else "manual"
            ),
            collection_method=form.get("collection_method", "charge_automatically"),
            default_payment_method=form.get("default_payment_method"),
            default_source=form.get("default_source"),
            parent=parent if subscription else None,
            payments=[],
            attempted=False,
            automatic_tax={"enabled": False},
            default_tax_rates=[],
            discounts=[],
            issuer={"type": "self"},
            lines=_page("/v1/invoices/lines")
            | {"data": [_line(form, amount)] if form.get("product") else []},
            payment_settings={},
            period_start=now,
            period_end=now,
            status_transitions={},
            next_payment_attempt=now + RETRY_AFTER if status == "open" and advances else None,
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
            return self._try(id)
        finally:
            self.request = before

    def _try(self, id: str) -> Plain:
        try:
            return self.pay_invoice(id, {"off_session": "true"})
        except Refused:
            return self.need("invoice", id)

    def _default(self, invoice: Plain) -> Any:
        """The method before the source, of the invoice, its subscription and its customer in
        turn."""
        subscription = self.book.get("subscription", self._subscription_of(invoice)) or {}
        customer = self.need("customer", invoice["customer"])
        holders = (invoice, subscription, customer["invoice_settings"], customer)
        named = [
            holder.get(name)
            for holder in holders
            for name in ("default_payment_method", "default_source")
        ]
        return next(filter(None, named), None)

    def credit(self, form: Plain) -> Plain:
        """A credit note for an open invoice, which is paid once nothing is left of it."""
        invoice = self.need("invoice", form["invoice"], "invoice")
        amount = whole(form.get("amount", "0"), "amount")
        if invoice["status"] != "open" or amount > invoice["amount_remaining"]:
            raise bad(
                None, "The credit note exceeds what the invoice leaves to be paid.", param="amount"
            )
        note = self._new(
            "credit_note",
            **dict.fromkeys(("amount", "subtotal", "total"), amount),
            **dict.fromkeys(("amount_shipping", "discount_amount"), 0),
            **dict.fromkeys(("discount_amounts", "pretax_credit_amounts", "refunds"), []),
            currency=invoice["currency"],
            customer=invoice["customer"],
            invoice=invoice["id"],
            lines=_page("/v1/credit_notes/lines"),
            number=f"CN-{self.book.count('credit_note') + 1}",
            pdf="https://pay.stripe.com/credit_notes/pdf",
            status="issued",
            type="pre_payment",
        )
        self._tell("credit_note.created", note)
        self._credited(invoice, amount)
        return note

    def void_credit(self, id: str) -> Plain:
        note = self.need("credit_note", id)
        invoice = self.need("invoice", note["invoice"])
        self._credited(invoice, -note["amount"])
        return self._changed(
            note, {"status": "void", "voided_at": int(self._clock())}, "credit_note.voided"
        )

    def _credited(self, invoice: Plain, amount: int) -> None:
        invoice["pre_payment_credit_notes_amount"] += amount
        invoice["amount_due"] -= amount
        invoice["amount_remaining"] -= amount
        if not invoice["amount_remaining"]:
            invoice |= _STOPPED | {"status": "paid"}
        self._changed(invoice, {}, "invoice.updated")

    def close_invoice(self, id: str, status: str) -> Plain:
        """`void` or `uncollectible`."""
        invoice = self.need("invoice", id)
        if invoice["status"] != "open":
            raise bad("invoice_not_open", f"Invoice is {invoice['status']}.")
        invoice |= _STOPPED | {"status": status}
        self.book.put(invoice)
        self._tell(
            "invoice.voided" if status == "void" else "invoice.marked_uncollectible", invoice
        )
        return invoice

    def change_invoice(self, id: str, form: Plain) -> Plain:
        invoice = self.need("invoice", id)
        if "auto_advance" in form:
            advances = form["auto_advance"] == "true"
            retry = int(self._clock()) + RETRY_AFTER if advances else None
            invoice |= {"auto_advance": advances, "next_payment_attempt": retry}
        return self._changed(invoice, _chosen(form), "invoice.updated")

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
            "payment_method": form.get("payment_method")
            or form.get("source")
            or self._default(invoice),
        }
        intent = self.make_intent(about)
        try:
            intent = self.confirm(intent["id"], {"off_session": form.get("off_session")})
        except Refused:
            invoice["payments"].insert(0, {"status": "open", "intent": intent["id"]})
            self.book.put(invoice)
            self._tell("invoice.payment_failed", invoice)
            self._stands(invoice, {"active": "past_due"})
            raise
        return self._paid(invoice, intent["id"])

    def _paid(self, invoice: Plain, intent: str | None) -> Plain:
        if intent is not None:
            invoice["payments"].insert(0, {"status": "paid", "intent": intent})
        paid = {
            "amount_paid": invoice["amount_paid"] + invoice["amount_remaining"],
            "amount_remaining": 0,
        }
        invoice |= paid | _STOPPED | {"status": "paid", "paid_out_of_band": intent is None}
        self.book.put(invoice)
        self._tell("invoice.paid", invoice)
        self._stands(invoice, _BEGUN)
        return invoice


def _chosen(form: Plain) -> Plain:
    """The changes in a form; an empty text unsets."""
    return {name: form[name] or None for name in _CHANGEABLE if name in form}


def _line(form: Plain, amount: int) -> Plain:
    """Line of the product that the form names."""
    details = {"price": f"price_{form['product']}", "product": form["product"]}
    return {
        "object": "line_item",
        "amount": amount,
        "pricing": {"type": "price_details", "price_details": details},
    }
