"""Charging a stored method in two calls, of which only the second can move money.

An intent is created unconfirmed, then confirmed. What is lost in the first call was not sent; what
is lost in the second is read from the intent, and an intent that was never confirmed is cancelled:
afterwards no late confirmation can charge. An invoice of Stripe Billing is paid as that invoice.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.networks.decline_code import our_code
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.look_up import chosen
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import Charge, Inquiry, LookUp
from recoup.processors.gateways.transport import NoAnswerError, NotSentError, Reply
from recoup.processors.gateways.vendor_account import VendorAccount, unanswered
from recoup_connectors.stripe import amounts
from recoup_connectors.stripe.api import Api
from recoup_connectors.stripe.outcomes import (
    DIFFERENT,
    OUR_ID,
    OUR_ORDER,
    UNREADABLE,
    Intent,
    Invoice,
    of_error,
    of_intent,
    own_code,
    read,
)

CANCEL_AFTER: Final = timedelta(
    seconds=15
)  # beyond the time-out: no confirmation is still on its way
REMEMBERED: Final = timedelta(days=2)  # twice as long as a key surely is
LISTED_AFTER: Final = timedelta(hours=23)  # of the first send: its key may be pruned
ASK_SECONDS: Final = 10.0
_AUTHENTICATIONS: Final = ("1.0.2", "2.1.0", "2.2.0")
_INDICATORS: Final = ("01", "02", "05", "06", "07")
_CHARGE: Final = {"expand": ["latest_charge"]}
_INVOICE: Final = {"expand": ["payments.data.payment.payment_intent"]}


class Charges(VendorAccount):
    """The part of the connector that sends charges and reads what became of them."""

    _api: Api

    async def _charge(self, charge: Charge, until: float) -> Outcome:
        credential = charge.credential
        if not isinstance(credential, Stored) or not credential.customer:
            return Outcome(
                "not_sent",
                text="Stripe takes stored methods of a customer only",
                fault="credential",
            )
        amount = amounts.wire_amount(charge.units, charge.currency)
        if amount is None:
            return Outcome("not_sent", text="Stripe does not carry this amount", fault="request")
        if charge.invoice:
            return await self._pay_invoice(charge, credential, amount, until)
        try:
            reply = await self._create(charge, credential, amount, until)
        except (NotSentError, NoAnswerError) as error:  # unconfirmed, it can move no money
            return Outcome("not_sent", text=f"{error}", fault="outage")
        intent = read(Intent, reply) if reply.status == 200 else None
        if intent is None:
            refused = of_error(reply, credential.scheme)
            if refused.processor_code == own_code(
                DIFFERENT
            ):  # it knows the key from before our database was restored
                return replace(refused, reference=None)
            return replace(
                refused, state="not_sent", fault=refused.fault or "outage", reference=None
            )
        if intent.metadata.get(OUR_ID) != str(charge.key) or intent.amount != amount:
            return Outcome("not_sent", text=UNREADABLE, fault="outage")
        outcome = await self._confirm(charge, credential, intent.id, until)
        if outcome.state == "not_sent":  # no unconfirmed intent is left behind
            await self._cancel(intent.id, charge.key, until)
        return outcome

    async def _create(self, charge: Charge, credential: Stored, amount: int, until: float) -> Reply:
        """The same parameters for the same id and `n`, whenever it is called."""
        parts = {} if charge.capture else {"card": {"request_multicapture": "if_available"}}
        form = {
            "amount": amount,
            "currency": charge.currency.lower(),
            "customer": credential.customer,
            "payment_method": credential.id,
            "payment_method_types": ["card"],
            "capture_method": "automatic" if charge.capture else "manual",
            "statement_descriptor_suffix": _suffix(charge.descriptor),
            "metadata": {OUR_ID: charge.key, OUR_ORDER: charge.order_key},
        } | ({"payment_method_options": parts} if parts else {})
        return await self._api.post(
            "/v1/payment_intents", form, f"{charge.key}.{charge.n}.c", until=until, send_before=None
        )

    async def _confirm(
        self, charge: Charge, credential: Stored, intent_id: str, until: float
    ) -> Outcome:
        form = _CHARGE | _consent(charge)
        path, key = f"/v1/payment_intents/{intent_id}/confirm", f"{charge.key}.{charge.n}.x"
        try:
            reply = await self._api.post(
                path, form, key, until=until, send_before=charge.send_before_monotonic
            )
        except (NotSentError, NoAnswerError) as error:
            return unanswered(error, intent_id)
        return await self._answered(reply, charge, credential.scheme, intent_id, until)

    async def _answered(
        self, reply: Reply, charge: Charge, scheme: str, intent_id: str, until: float
    ) -> Outcome:
        id = charge.key
        intent = read(Intent, reply) if reply.status == 200 else None
        if intent is None:
            said = of_error(reply, scheme, reference=intent_id)
            if said.state == "not_sent" and said.fault in ("request", "credential"):
                await self._cancel(
                    intent_id, id, until
                )  # what Stripe refuses once it refuses again
            if said.state != "declined":
                return said
            return await self._explained(said, id, intent_id, scheme, until)
        if intent.id != intent_id:
            return Outcome("unknown", intent_id, text=UNREADABLE, other_id=True)
        outcome = of_intent(intent, id, scheme)
        if intent.status == "requires_action":
            at_bank = _at_bank(intent)
            if (
                charge.payer is not None
                and not outcome.other_id
                and at_bank.redirect_url is not None
            ):
                return at_bank
            return await self._withdrawn(outcome, id, intent_id, until)
        return outcome

    async def _explained(
        self, said: Outcome, id: UUID, intent_id: str, scheme: str, until: float
    ) -> Outcome:
        """A decline's answer names its charge only; what the network said, and whether it was
        asked, stands there."""
        seconds = until - self._clocks.monotonic()
        intent = await self._intent(intent_id, seconds) if seconds > 0 else None
        if intent is None:
            return said
        if intent.status == "requires_action":
            return await self._withdrawn(replace(said, sca_wanted=True), id, intent_id, until)
        found = of_intent(intent, id, scheme)
        return replace(found, sca_wanted=said.sca_wanted) if found.state == "declined" else said

    async def _withdrawn(self, outcome: Outcome, id: UUID, intent_id: str, until: float) -> Outcome:
        """Its payer must not finish it after another try succeeded: unknown until it is
        cancelled."""
        intent = await self._cancel(intent_id, id, until)
        if intent is not None and intent.status == "canceled":
            return replace(outcome, state="declined", sca_wanted=True)
        return Outcome(
            "unknown", intent_id, text="it waits for its payer, and is not cancelled yet"
        )

    async def _cancel(self, intent_id: str, id: UUID, until: float) -> Intent | None:
        key = f"{id}.v.{intent_id}"  # each send under an id has an intent of its own
        try:
            reply = await self._api.post(
                f"/v1/payment_intents/{intent_id}/cancel",
                {"cancellation_reason": "abandoned"},
                key,
                until=until,
            )
        except (NotSentError, NoAnswerError):
            return None
        return read(Intent, reply) if reply.status == 200 else None

    async def _pay_invoice(
        self, charge: Charge, credential: Stored, amount: int, until: float
    ) -> Outcome:
        """The invoice is the lock: it is paid once, whoever pays it. One key for all sends of this
        id."""
        path = f"/v1/invoices/{charge.invoice}"
        refused = (
            None
            if charge.invoice_read
            else await self._unpayable(charge, credential, amount, until)
        )
        if refused is not None:
            return refused
        named = "payment_method" if credential.id.startswith("pm_") else "source"
        form = {named: credential.id, "off_session": charge.initiator == "merchant"} | _INVOICE
        try:
            reply = await self._api.post(
                f"{path}/pay",
                form,
                f"{charge.key}.p",
                until=until,
                send_before=charge.send_before_monotonic,
            )
        except (NotSentError, NoAnswerError) as error:
            return unanswered(error)
        paid = read(Invoice, reply) if reply.status == 200 else None
        if paid is not None:
            return paid.outcome(charge)
        said = of_error(reply, credential.scheme)
        if (
            reply.status == 400 and said.state == "not_sent"
        ):  # it may have been paid or voided since it was read
            return await self._unpayable(charge, credential, amount, until) or said
        return said

    async def _unpayable(
        self, charge: Charge, credential: Stored, amount: int, until: float
    ) -> Outcome | None:
        """The outcome where the invoice cannot be paid so; None where it can."""
        seconds = max(0.1, until - self._clocks.monotonic())
        try:
            found = await self._api.get(f"/v1/invoices/{charge.invoice}", _INVOICE, seconds=seconds)
        except (NotSentError, NoAnswerError) as error:
            return Outcome("not_sent", text=f"{error}", fault="outage")
        invoice = read(Invoice, found) if found.status == 200 else None
        if invoice is None:
            refused = of_error(found, credential.scheme)
            fault = "request" if refused.fault == "credential" else refused.fault or "outage"
            return replace(refused, state="not_sent", fault=fault)
        same = (invoice.customer, invoice.amount_remaining, invoice.currency.upper())
        if invoice.status == "open" and same == (credential.customer, amount, charge.currency):
            return None
        code = "invoice_paid_elsewhere" if invoice.status == "paid" else "invoice_differs"
        return Outcome(
            "not_sent",
            processor_code=our_code(code),
            text="the invoice is not what was owed",
            fault="request",
        )

    async def look_at_charge(self, charge: Charge, inquiry: Inquiry) -> Outcome:
        credential = charge.credential
        amount = amounts.wire_amount(charge.units, charge.currency)
        if not isinstance(credential, Stored) or amount is None:
            return Outcome("not_sent", text="Stripe could not carry it")
        intent_id = inquiry.reference or await self._find(charge, credential, amount, inquiry)
        if intent_id is None:
            return Outcome("not_found")
        intent = await self._intent(intent_id, ASK_SECONDS)
        if intent is None:
            return Outcome("unknown", intent_id, text=UNREADABLE)
        until = self._clocks.monotonic() + ASK_SECONDS
        if intent.status == "requires_confirmation":
            return await self._never_confirmed(charge, credential, intent_id, inquiry, until)
        outcome = of_intent(intent, charge.key, credential.scheme)
        if intent.status == "requires_action":
            payer = inquiry.payer
            at_bank = _at_bank(intent)
            known = payer is not None and payer.was_sent or at_bank.redirect_url is not None
            if payer is not None and payer.may_wait and known and not outcome.other_id:
                return at_bank
            ended = await self._withdrawn(outcome, charge.key, intent_id, until)
            return replace(
                ended,
                withdrawn=payer is not None and ended.state == "declined",
                reached_network=False,
            )
        if (
            inquiry.payer is not None and intent.status == "requires_payment_method"
        ):  # its payer knows its secret
            ended_intent = await self._cancel(intent_id, charge.key, until)
            if ended_intent is None or ended_intent.status != "canceled":
                return Outcome("unknown", intent_id, text="declined, and not cancelled yet")
        return outcome

    async def _find(
        self, charge: Charge, credential: Stored, amount: int, inquiry: Inquiry
    ) -> str | None:
        """The first call once more gives its saved answer; a key that may be pruned would give a
        new intent."""
        first = inquiry.first_sent_at
        if first is None or self._clocks.wall() < first + LISTED_AFTER:
            reply = await self._create(
                charge, credential, amount, self._clocks.monotonic() + ASK_SECONDS
            )
            intent = read(Intent, reply) if reply.status == 200 else None
            if intent is not None:
                return intent.id
            if of_error(reply, credential.scheme).processor_code != own_code(DIFFERENT):
                raise NoAnswerError(UNREADABLE)
        begin = min(first or self._clocks.wall(), self._clocks.wall() - REMEMBERED) - timedelta(
            hours=1
        )
        around = {"gte": int(begin.timestamp()), "lte": int(self._clocks.wall().timestamp())}
        async for page in self._api.pages(
            "/v1/payment_intents", {"customer": credential.customer, "created": around}
        ):
            for one in page:
                if (one.get("metadata") or {}).get(OUR_ID) == str(charge.key):
                    return str(one["id"])
        return None

    async def look_up_charge(self, charge: Charge, question: LookUp) -> Outcome:
        """Lists are as new as their objects, other than Stripe's search. An intent that was never
        confirmed moved nothing, and is cancelled, so that it never will."""
        credential = charge.credential
        if not isinstance(credential, Stored) or not credential.customer:
            return Outcome("not_found")
        if charge.invoice:
            inquiry = Inquiry(charge.id, message=charge, first_sent_at=question.since)
            found = await self.look_at_invoice(charge, inquiry)
            return replace(found, key=charge.key)
        since = {"gte": int((question.since - timedelta(hours=1)).timestamp())}
        known = list[tuple[UUID | None, Outcome]]()
        async for page in self._api.pages(
            "/v1/payment_intents", {"customer": credential.customer, "created": since}
        ):
            for one in page:
                marked = one.get("metadata") or {}
                key = parse_id(str(marked.get(OUR_ID) or ""))
                if marked.get(OUR_ORDER) == str(charge.order_key) and key is not None:
                    known.append(
                        (key, await self._as_it_stands(str(one["id"]), key, credential.scheme))
                    )
        return chosen(question, known)

    async def _as_it_stands(self, intent_id: str, key: UUID, scheme: str) -> Outcome:
        intent = await self._intent(intent_id, ASK_SECONDS)
        if intent is not None and intent.status == "requires_confirmation":
            intent = await self._cancel(intent_id, key, self._clocks.monotonic() + ASK_SECONDS)
        if intent is None:
            return Outcome("unknown", intent_id, text=UNREADABLE)
        if intent.status in ("canceled", "requires_confirmation") and intent.latest_charge is None:
            return Outcome("not_found" if intent.status == "canceled" else "unknown", intent_id)
        return of_intent(intent, key, scheme)

    async def _never_confirmed(
        self, charge: Charge, credential: Stored, intent_id: str, inquiry: Inquiry, until: float
    ) -> Outcome:
        """Cancelled, it is proof that nothing was and nothing will be charged."""
        last: datetime | None = inquiry.last_sent_at
        late = timedelta(seconds=charge.timeout_seconds) + CANCEL_AFTER
        if last is None or self._clocks.wall() < last + late:
            return Outcome("unknown", intent_id, text="not confirmed yet")
        intent = await self._cancel(intent_id, charge.key, until) or await self._intent(
            intent_id, ASK_SECONDS
        )
        if intent is None or intent.status == "requires_confirmation":
            return Outcome("unknown", intent_id, text="not cancelled yet")
        return of_intent(intent, charge.key, credential.scheme)

    async def _intent(self, intent_id: str, seconds: float) -> Intent | None:
        reply = await self._api.get(f"/v1/payment_intents/{intent_id}", _CHARGE, seconds=seconds)
        found = read(Intent, reply) if reply.status == 200 else None
        return found if found is not None and found.id == intent_id else None

    async def look_at_invoice(self, charge: Charge, inquiry: Inquiry) -> Outcome:
        """Paid: by us, if a call with our key caused it. Else an event of our call says that it was
        declined."""
        reply = await self._api.get(f"/v1/invoices/{charge.invoice}", _INVOICE)
        invoice = read(Invoice, reply) if reply.status == 200 else None
        if invoice is None:
            return Outcome("unknown", text=UNREADABLE)
        since = inquiry.first_sent_at or self._clocks.wall() - timedelta(days=29)
        ours = await self._caused_by(f"{charge.key}.p", str(charge.invoice), since)
        if "invoice.paid" in ours or "invoice.payment_succeeded" in ours:
            return invoice.outcome(charge)
        if invoice.status == "paid":
            return Outcome(
                "not_sent",
                processor_code=our_code("invoice_paid_elsewhere"),
                text="paid elsewhere",
                fault="request",
            )
        if "invoice.payment_failed" in ours:
            return invoice.declined(charge)
        return Outcome("not_found")

    async def _caused_by(self, key: str, invoice: str, since: datetime) -> set[str]:
        """Types of the invoice's events that a call with this key caused."""
        types = ["invoice.paid", "invoice.payment_succeeded", "invoice.payment_failed"]
        form = {"types": types, "created": {"gte": int((since - timedelta(hours=1)).timestamp())}}
        found = set[str]()
        async for page in self._api.pages("/v1/events", form):
            for event in page:
                about = (event.get("data") or {}).get("object") or {}
                if (
                    about.get("id") == invoice
                    and (event.get("request") or {}).get("idempotency_key") == key
                ):
                    found.add(str(event.get("type")))
        return found


def _at_bank(intent: Intent) -> Outcome:
    """The outcome of a payer sent to their bank. Once they have confirmed there, Stripe charges by
    itself."""
    return Outcome("awaits_payer", intent.id, redirect_url=intent.payer_page)


def _consent(charge: Charge) -> dict[str, Any]:
    """Says who is present, and what proves the payer's consent. A payer at hand is asked on
    Stripe's page."""
    card: dict[str, Any] = {"three_d_secure": _authenticated(charge.three_d_secure or {})}
    if charge.payer is not None and charge.payer.is_wanted:
        card["request_three_d_secure"] = "any"
    return {
        "off_session": True if charge.initiator == "merchant" else None,
        "setup_future_usage": "off_session"
        if charge.initiator == "customer" and charge.sequence == 1
        else None,
        "error_on_requires_action": True if charge.payer is None else None,
        "return_url": charge.payer.return_url if charge.payer is not None else None,
        "payment_method_options": {"card": card},
    }


def _authenticated(given: Mapping[str, str]) -> dict[str, str] | None:
    """The authentication as Stripe takes it; None for one that Stripe has no words for: it would
    refuse the whole charge."""
    needed = {
        "version": given.get("threeDsVersion"),
        "cryptogram": given.get("authenticationValue"),
        "transaction_id": given.get("directoryServerTransactionId"),
    }
    found = {name: value for name, value in needed.items() if value}
    if len(found) < len(needed) or found["version"] not in _AUTHENTICATIONS:
        return None
    indicator = given.get("ecommerceIndicator")
    return found | (
        {"electronic_commerce_indicator": indicator} if indicator in _INDICATORS else {}
    )


def _suffix(descriptor: str) -> str | None:
    """Letters that a statement may show; Stripe puts its account's prefix before it."""
    text = "".join(one for one in descriptor if " " <= one <= "~" and one not in "<>\\'\"*")[
        :22
    ].strip()
    return text if any(one.isalpha() for one in text) else None
