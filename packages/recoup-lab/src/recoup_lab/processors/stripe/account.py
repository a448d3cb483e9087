"""Account of the stand-in: one method a call, over the book. A refusal is `Refused`, as Stripe
words it."""

from collections.abc import Callable
from typing import Any, Final

from recoup_lab.processors.book import Book
from recoup_lab.processors.stripe import published
from recoup_lab.processors.stripe.billing import Invoices
from recoup_lab.processors.stripe.cards import CARDS, Answer
from recoup_lab.processors.stripe.refusal import Plain, Refused, bad, whole

_PREFIXES: Final = {
    "customer": "cus",
    "payment_method": "pm",
    "payment_intent": "pi",
    "charge": "ch",
    "refund": "re",
    "invoice": "in",
    "dispute": "dp",
    "subscription": "sub",
    "webhook_endpoint": "we",
    "balance_transaction": "txn",
    "event": "evt",
    "invoiceitem": "ii",
    "credit_note": "cn",
}
_CONFIRMABLE: Final = ("requires_confirmation", "requires_payment_method")
DISPUTE_FEE: Final = 1500
_ANSWERED: Final = {
    "enhanced_eligibility": {},
    "has_evidence": True,
    "past_due": False,
    "submission_count": 1,
}


class Account(Invoices):
    """`clock`: seconds since 1970. `request`: what causes the events of the call under way.
    `multicapture`: whether the account may capture a charge several times."""

    def __init__(self, book: Book, clock: Callable[[], float], *, live: bool = False) -> None:
        self.book, self._clock, self.live = book, clock, live
        self.request: Plain = {"id": None, "idempotency_key": None}
        self.url = ""  # where it serves
        self.events: list[Plain] = []  # of the calls since somebody took them
        self.multicapture = True

    def need(self, kind: str, id: str, param: str = "") -> Plain:
        """`param`: that named it; of what the address names the status is another."""
        found = self.book.get(kind, id)
        if found is None:
            status = 400 if param else 404
            raise Refused(
                status,
                "invalid_request_error",
                "resource_missing",
                f"No such {kind}: '{id}'",
                param=param or "id",
            )
        return found

    def _new(self, kind: str, **values: Any) -> Plain:
        id = f"{_PREFIXES[kind]}_standin{self.book.count(kind) + 1:08d}"
        plain = {
            "id": id,
            "object": kind,
            "created": int(self._clock()),
            "livemode": self.live,
            "metadata": {},
        }
        return self.book.put(plain | values)

    def _tell(self, type: str, about: Plain) -> None:
        said = {"object": published.shown(about)}
        event = self._new(
            "event",
            type=type,
            data=said,
            request=self.request,
            api_version=published.VERSION,
            pending_webhooks=1,
        )
        self.events.append(event)

    def make_customer(self, form: Plain) -> Plain:
        settings = form.get("invoice_settings") or {"default_payment_method": None}
        plain = {
            "email": form.get("email"),
            "metadata": form.get("metadata") or {},
            "invoice_settings": settings,
        }
        return self._new("customer", **plain, default_source=None)

    def make_endpoint(self, form: Plain) -> Plain:
        return self._new(
            "webhook_endpoint",
            url=form["url"],
            enabled_events=form["enabled_events"],
            status="enabled",
        )

    def attach(self, id: str, form: Plain) -> Plain:
        """`pm_card_…`: a new method that answers so."""
        customer = self.need("customer", str(form.get("customer")), "customer")["id"]
        name = id.removeprefix("pm_card_")
        if name not in CARDS:
            method = self.need("payment_method", id)
            return self._changed(method, {"customer": customer}, "payment_method.attached")
        card = {
            "brand": CARDS[name].brand,
            "last4": "4242",
            "exp_month": 12,
            "exp_year": 2034,
            "funding": "credit",
            "country": "US",
            "fingerprint": f"fp_{name}",
        }
        about = {
            "type": "card",
            "customer": customer,
            "card": card,
            "billing_details": {},
            "answer": name,
        }
        return self._changed(self._new("payment_method", **about), {}, "payment_method.attached")

    def detach(self, id: str) -> Plain:
        """Detaches a method: it is nobody's default any more."""
        none = {"default_payment_method": None}
        for one in self.book.all("subscription"):
            if one["default_payment_method"] == id:
                self._changed(one, none, "customer.subscription.updated")
        for one in self.book.all("customer"):
            if one["invoice_settings"].get("default_payment_method") == id:
                self.change_customer(one["id"], {"invoice_settings": none})
        return self._changed(
            self.need("payment_method", id), {"customer": None}, "payment_method.detached"
        )

    def make_intent(self, form: Plain) -> Plain:
        amount = whole(form["amount"], "amount")
        if form.get("customer"):
            self.need("customer", form["customer"], "customer")
        method = self._method(form, form.get("customer")) if form.get("payment_method") else None
        intent = self._new(
            "payment_intent",
            amount=amount,
            amount_received=0,
            amount_capturable=0,
            confirmation_method=form.get("confirmation_method") or "automatic",
            currency=form["currency"].lower(),
            customer=form.get("customer"),
            payment_method_types=form.get("payment_method_types") or ["card"],
            statement_descriptor_suffix=form.get("statement_descriptor_suffix"),
            payment_method=method and method["id"],
            capture_method=form.get("capture_method") or "automatic",
            payment_method_options=form.get("payment_method_options") or {},
            metadata=form.get("metadata") or {},
            status="requires_confirmation" if method else "requires_payment_method",
            latest_charge=None,
            last_payment_error=None,
            next_action=None,
        )
        return self.confirm(intent["id"], form) if form.get("confirm") == "true" else intent

    def _method(self, form: Plain, customer: Any) -> Plain:
        method = self.need("payment_method", str(form["payment_method"]), "payment_method")
        if method["customer"] is None or method["customer"] != customer:
            message = "The payment method is not attached to this customer."
            raise bad("payment_method_unactivated", message, param="payment_method")
        return method

    def confirm(self, id: str, form: Plain) -> Plain:
        intent = self.need("payment_intent", id)
        if intent["status"] not in _CONFIRMABLE:
            raise bad(
                "payment_intent_unexpected_state",
                f"This intent is {intent['status']}.",
                payment_intent=intent,
            )
        future = form.get("setup_future_usage")
        if future and form.get("off_session") == "true":
            raise bad(
                "parameter_invalid",
                "You cannot set up future usage off session.",
                param="off_session",
            )
        intent["setup_future_usage"] = future
        name = form.get("payment_method") or intent["payment_method"]
        method = self._method({"payment_method": name}, intent["customer"])
        answer = CARDS[method["answer"]].after(method.get("charges", 0))
        intent["payment_method"] = method["id"]
        card_form = (form.get("payment_method_options") or {}).get("card") or {}
        forced = (
            "request_three_d_secure" in card_form
            and card_form["request_three_d_secure"] != "automatic"
        )
        if (answer.wants_payer or forced) and form.get("off_session") != "true":
            if form.get("error_on_requires_action") == "true":
                intent["status"] = "requires_payment_method"
            else:
                return self._ask_payer(intent, form.get("return_url"))
        return self._settle(intent, method, answer)

    def _ask_payer(self, intent: Plain, return_url: Any) -> Plain:
        """Sends the payer to a page of the vendor, where the call says where they come back to."""
        action: Plain = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
        if return_url:
            redirect = {"url": f"{self.url}/authenticate/{intent['id']}", "return_url": return_url}
            action = {"type": "redirect_to_url", "redirect_to_url": redirect}
        intent |= {"status": "requires_action", "next_action": action}
        self.book.put(intent)
        self._tell("payment_intent.requires_action", intent)
        return intent

    def authenticated(self, id: str, *, passed: bool) -> Plain:
        """Records the payer's result on that page: the vendor goes on by itself."""
        intent = self.need("payment_intent", id)
        if intent["status"] != "requires_action":
            return intent
        intent["next_action"] = None
        method = self.need("payment_method", intent["payment_method"])
        if passed:
            answer = CARDS[method["answer"]].after(method.get("charges", 0))
            try:
                return self._settle(
                    intent, method, answer._replace(decline=None) if answer.wants_payer else answer
                )
            except Refused:
                return self.need("payment_intent", id)
        error = {"type": "invalid_request_error", "code": "payment_intent_authentication_failure"}
        message = "The provided PaymentMethod has failed authentication."
        intent |= {
            "status": "requires_payment_method",
            "last_payment_error": error | {"message": message},
        }
        self.book.put(intent)
        self._tell("payment_intent.payment_failed", intent)
        return intent

    def _settle(self, intent: Plain, method: Plain, answer: Answer) -> Plain:
        charge = self._charge(intent, method, answer)
        self.book.put(method | {"charges": method.get("charges", 0) + 1})
        intent["latest_charge"] = charge["id"]
        if answer.decline is not None:
            self._declined(intent, charge, answer)
        return self._approved(intent, charge, answer)

    def _charge(self, intent: Plain, method: Plain, answer: Answer) -> Plain:
        approved = answer.decline is None
        reached = "not_sent_to_network" if answer.blocked else "declined_by_network"
        outcome = {
            "network_status": "approved_by_network" if approved else reached,
            "network_decline_code": answer.network,
            "network_advice_code": answer.advice,
            "advice_code": answer.own,
            "type": "blocked"
            if answer.blocked
            else "authorized"
            if approved
            else "issuer_declined",
            "risk_level": "highest" if answer.blocked else "normal",
            "risk_score": 80 if answer.blocked else 12,
        }
        number = f"{900000000000000 + self.book.count('charge')}" if approved else None
        wanted = (intent["payment_method_options"].get("card") or {}).get("request_multicapture")
        parts = (
            self.multicapture and wanted == "if_available" and intent["capture_method"] == "manual"
        )
        checks = {
            "cvc_check": "pass",
            "address_line1_check": None,
            "address_postal_code_check": "pass",
        }
        held = method["card"]
        card = {
            **{
                name: held[name]
                for name in ("country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
            },
            "brand": answer.brand,
            "network": answer.brand,
            "network_transaction_id": number,
            "checks": checks,
            "authorization_code": "A1B2C3" if approved else None,
            "multicapture": {"status": "available" if parts else "unavailable"},
        }
        return self._new(
            "charge",
            amount=intent["amount"],
            amount_captured=0,
            amount_refunded=0,
            currency=intent["currency"],
            customer=intent["customer"],
            payment_intent=intent["id"],
            payment_method=method["id"],
            status="succeeded" if approved else "failed",
            paid=approved,
            captured=False,
            failure_code=None if approved else answer.code,
            disputed=False,
            refunded=False,
            billing_details=method["billing_details"],
            statement_descriptor_suffix=intent["statement_descriptor_suffix"],
            outcome=outcome,
            payment_method_details={"type": "card", "card": card},
            metadata=intent["metadata"],
        )

    def _declined(self, intent: Plain, charge: Plain, answer: Answer) -> None:
        error = {
            "type": "card_error",
            "code": answer.code,
            "decline_code": answer.decline,
            "advice_code": answer.own,
            "network_decline_code": answer.network,
            "network_advice_code": answer.advice,
            "message": "Your card was declined.",
            "charge": charge["id"],
        }
        intent |= {"status": "requires_payment_method", "last_payment_error": error}
        self.book.put(intent)
        self._tell("payment_intent.payment_failed", intent)
        raise Refused(402, **error, payment_intent=intent)

    def _approved(self, intent: Plain, charge: Plain, answer: Answer) -> Plain:
        if intent["capture_method"] == "manual":
            intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
            return self.book.put(intent)
        self._take(intent, charge, intent["amount"])
        if answer.then == "dispute":
            self.dispute(charge["id"])
        return intent

    def _take(self, intent: Plain, charge: Plain, amount: int, *, final: bool = True) -> None:
        """Captures an amount. Of several captures each is a movement of its own."""
        taken = charge["amount_captured"] + amount
        left = 0 if final else intent["amount"] - taken
        intent |= {
            "status": "requires_capture" if left else "succeeded",
            "amount_received": taken,
            "amount_capturable": left,
        }
        self.book.put(intent)
        if amount:
            whole = intent["amount"] if final and taken == amount else amount
            moved = self._move(
                "charge", whole, amount * 29 // 1000 + 30, intent["currency"], charge["id"]
            )
            charge |= {"balance_transaction": moved["id"]}
            if whole > amount:
                self._not_captured(charge, whole - amount)
        self.book.put(charge | {"captured": not left, "amount_captured": taken})
        self._tell(
            "payment_intent.amount_capturable_updated" if left else "payment_intent.succeeded",
            intent,
        )

    def _not_captured(self, charge: Plain, amount: int) -> None:
        """Books the rest of a hold that is captured once and in part: the whole is charged, and
        what is left is a refund."""
        values = {name: charge[name] for name in ("currency", "payment_intent")} | {
            "charge": charge["id"]
        }
        refund = self._new("refund", amount=amount, status="succeeded", metadata={}, **values)
        moved = self._move(
            "refund", -amount, 0, charge["currency"], refund["id"], "partial_capture_reversal"
        )
        self.book.put(refund | {"balance_transaction": moved["id"]})

    def _move(
        self, type: str, amount: int, fee: int, currency: str, source: str, category: str = ""
    ) -> Plain:
        taken = {
            "amount": fee,
            "currency": currency,
            "type": "stripe_fee",
            "application": None,
            "description": None,
        }
        return self._new(
            "balance_transaction",
            type=type,
            amount=amount,
            fee=fee,
            net=amount - fee,
            currency=currency,
            source=source,
            available_on=int(self._clock()),
            fee_details=[taken] if fee else [],
            reporting_category=category or type,
            status="available",
        )

    def capture(self, id: str, form: Plain) -> Plain:
        intent = self.need("payment_intent", id)
        if intent["status"] != "requires_capture":
            raise bad(
                "payment_intent_unexpected_state",
                f"This intent is {intent['status']}.",
                payment_intent=intent,
            )
        charge, final = (
            self.need("charge", intent["latest_charge"]),
            form.get("final_capture") != "false",
        )
        wanted = form.get("amount_to_capture", intent["amount_capturable"])
        release = final and str(wanted) == "0" and charge["amount_captured"] > 0
        amount = 0 if release else whole(wanted, "amount_to_capture")
        _in_steps(amount, intent["currency"], "amount_to_capture")
        if amount > intent["amount_capturable"]:
            raise bad("amount_too_large", "More than is held.", param="amount_to_capture")
        several = charge["payment_method_details"]["card"]["multicapture"]["status"] == "available"
        if not final and not several:
            raise bad("parameter_invalid", "This charge takes one capture.", param="final_capture")
        self._take(intent, charge, amount, final=final)
        return intent

    def cancel(self, id: str) -> Plain:
        intent = self.need("payment_intent", id)
        if intent["status"] in ("succeeded", "canceled", "processing"):
            raise bad(
                "payment_intent_unexpected_state",
                f"This intent is {intent['status']}.",
                payment_intent=intent,
            )
        intent |= {"status": "canceled", "amount_capturable": 0}
        self.book.put(intent)
        self._tell("payment_intent.canceled", intent)
        return intent

    def refund(self, form: Plain) -> Plain:
        if "payment_intent" not in form:
            raise bad(
                "parameter_missing",
                "Missing required param: payment_intent.",
                param="payment_intent",
            )
        intent = self.need("payment_intent", form["payment_intent"], "payment_intent")
        if intent["latest_charge"] is None:
            message = (
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
            )
            raise bad("payment_intent_unexpected_state", message, payment_intent=intent)
        charge = self.need("charge", str(intent["latest_charge"]))
        amount = whole(form.get("amount", charge["amount_captured"]), "amount")
        _in_steps(amount, charge["currency"], "amount")
        if (
            not charge["amount_captured"]
            or amount > charge["amount_captured"] - charge["amount_refunded"]
        ):
            spent = charge["captured"] and charge["amount_refunded"] >= charge["amount_captured"]
            raise bad(
                "charge_already_refunded" if spent else "amount_too_large",
                "More than is left of the charge.",
            )
        refund = self._new(
            "refund",
            amount=amount,
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=intent["id"],
            status="succeeded",
            metadata=form.get("metadata") or {},
        )
        back = charge["amount_refunded"] + amount
        self.book.put(
            charge | {"amount_refunded": back, "refunded": back == charge["amount_captured"]}
        )
        moved = self._move("refund", -amount, 0, charge["currency"], refund["id"])
        refund = self.book.put(refund | {"balance_transaction": moved["id"]})
        self._tell("refund.created", refund)
        return refund

    def fail_refund(self, id: str) -> Plain:
        """Days later: the money comes back."""
        refund = self.book.put(
            self.need("refund", id) | {"status": "failed", "failure_reason": "lost_or_stolen_card"}
        )
        charge = self.need("charge", refund["charge"])
        back = charge["amount_refunded"] - refund["amount"]
        self.book.put(charge | {"amount_refunded": back, "refunded": False})
        self._move("refund_failure", refund["amount"], 0, refund["currency"], id)
        self._tell("refund.failed", refund)
        return refund

    def dispute(self, charge_id: str) -> Plain:
        charge = self.need("charge", charge_id)
        case = self._new(
            "dispute",
            amount=charge["amount_captured"],
            currency=charge["currency"],
            charge=charge_id,
            payment_intent=charge["payment_intent"],
            reason="fraudulent",
            network_reason_code="10.4",
            status="needs_response",
            enhanced_eligibility_types=[],
            evidence={"enhanced_evidence": {}},
            evidence_details=_ANSWERED | {"has_evidence": False, "submission_count": 0},
            is_charge_refundable=False,
        )
        self.book.put(charge | {"disputed": True})
        moved = self._move(
            "adjustment", -case["amount"], DISPUTE_FEE, case["currency"], case["id"], "dispute"
        )
        case = self.book.put(case | {"balance_transactions": [moved]})
        self._tell("charge.dispute.created", case)
        return case

    def answer_dispute(self, id: str, form: Plain) -> Plain:
        case = self.need("dispute", id)
        if case["status"] != "needs_response":
            raise bad("dispute_closed", "This dispute takes no evidence any more.")
        given = form.get("evidence") or {}
        self._check_priors(
            case, (given.get("enhanced_evidence") or {}).get("visa_compelling_evidence_3") or {}
        )
        case["evidence"] |= given
        if form.get("submit") == "true":
            case |= {"status": "under_review", "evidence_details": _ANSWERED}
        return self.book.put(case)

    def _check_priors(self, case: Plain, evidence: Plain) -> None:
        """Two other charges, neither of them disputed; see
        docs.stripe.com/disputes/api/visa-ce3."""
        priors = evidence.get("prior_undisputed_transactions") or []
        charges = [self.book.get("charge", prior.get("charge") or "") for prior in priors]
        fit = [
            charge
            for charge in charges
            if charge and not charge["disputed"] and charge["id"] != case["charge"]
        ]
        if evidence and len(fit) != 2:
            place = (
                "evidence[enhanced_evidence][visa_compelling_evidence_3]"
                "[prior_undisputed_transactions]"
            )
            raise bad("parameter_invalid", "Two undisputed charges are needed.", param=place)

    def close_dispute(self, id: str) -> Plain:
        case = self.need("dispute", id)
        if case["status"] != "needs_response":
            raise bad("dispute_closed", "This dispute is closed.")
        return self.book.put(case | {"status": "lost"})


def _in_steps(amount: int, currency: str, param: str) -> None:
    """Raises: Refused."""
    for one in published.out_of_step(amount, currency, param):
        raise bad(one.code, one.message, param=one.param)
