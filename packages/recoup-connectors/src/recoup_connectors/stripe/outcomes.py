"""Stripe's answers as outcomes. Field 39, Mastercard's advice and Stripe's own codes are three
things, and none is filled from another."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from recoup.networks.codes import by_network, plain_advice
from recoup.networks.decline_code import advice_by, code_by, our_code
from recoup.processors.gateways.credential import CredentialNews
from recoup.processors.gateways.outcome import Fault, Outcome, State
from recoup.processors.gateways.port import Charge
from recoup.processors.gateways.transport import Reply
from recoup_connectors.stripe.amounts import units_of

OUR_ID: Final = "recoup_id"  # in metadata
OUR_ORDER: Final = "recoup_order"
_FAR: Final = 7_000_000_000  # seconds since 1970; no hold lasts until then
UNCAPTURED: Final = "partial_capture_reversal"
UNREADABLE: Final = "the answer could not be read"
_GONE: Final = frozenset(
    {"resource_missing", "payment_method_unactivated", "payment_method_not_available"}
)
CANCELED: Final = "canceled_before_confirmed"
DIFFERENT: Final = "idempotency_error"
_NOT_AUTHENTICATED: Final = "payment_intent_authentication_failure"
_MOVED_ON: Final = frozenset({"payment_intent_unexpected_state", "idempotency_key_in_use"})
T = TypeVar("T")
SOURCE: Final = "stripe"  # whose codes they are
own_code: Final = partial(code_by, SOURCE)


class Checks(msgspec.Struct, frozen=True):
    address_line1_check: str | None = None
    address_postal_code_check: str | None = None
    cvc_check: str | None = None


class Multicapture(msgspec.Struct, frozen=True):
    status: str | None = None


class CardDetails(msgspec.Struct, frozen=True):
    brand: str | None = None
    network: str | None = None
    capture_before: int | None = None
    network_transaction_id: str | None = None
    authorization_code: str | None = None
    checks: Checks | None = None
    multicapture: Multicapture | None = None


class Details(msgspec.Struct, frozen=True):
    card: CardDetails | None = None


class Verdict(msgspec.Struct, frozen=True):
    """A charge's `outcome`."""

    network_status: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    advice_code: str | None = None
    type: str | None = None
    reason: str | None = None
    risk_level: str | None = None
    risk_score: int | None = None


class StripeCharge(msgspec.Struct, frozen=True):
    id: str
    amount: int = 0
    amount_captured: int = 0
    currency: str = ""
    failure_code: str | None = None
    outcome: Verdict | None = None
    balance_transaction: str | None = None
    payment_method_details: Details | None = None
    metadata: dict[str, str] = {}


class StripeError(msgspec.Struct, frozen=True):
    type: str | None = None
    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    message: str | None = None
    param: str | None = None
    payment_intent: "Intent | None" = None


class Redirect(msgspec.Struct, frozen=True):
    url: str | None = None


class NextAction(msgspec.Struct, frozen=True):
    type: str | None = None
    redirect_to_url: Redirect | None = None


class Intent(msgspec.Struct, frozen=True):
    id: str
    status: str
    amount: int
    currency: str
    amount_received: int = 0
    amount_capturable: int = 0
    metadata: dict[str, str] = {}
    latest_charge: StripeCharge | str | None = None
    last_payment_error: StripeError | None = None
    cancellation_reason: str | None = None
    next_action: NextAction | None = None

    @property
    def payer_page(self) -> str | None:
        """The page where its payer confirms; None for another kind of action."""
        action = self.next_action
        return (
            action.redirect_to_url.url
            if action is not None and action.redirect_to_url is not None
            else None
        )

    @property
    def takes_parts(self) -> bool:
        """True when its charge, expanded, may be captured several times."""
        charge = self.latest_charge if isinstance(self.latest_charge, StripeCharge) else None
        details = charge.payment_method_details if charge is not None else None
        card = details.card if details is not None else None
        return (
            card is not None
            and card.multicapture is not None
            and card.multicapture.status == "available"
        )


class ErrorBody(msgspec.Struct, frozen=True):
    error: StripeError


class Refund(msgspec.Struct, frozen=True):
    id: str
    amount: int
    currency: str
    status: str | None = None
    failure_reason: str | None = None
    metadata: dict[str, str] = {}
    balance_transaction: str | dict[str, Any] | None = None

    @property
    def is_uncaptured(self) -> bool:
        """True when it is no refund but the part of a hold that was not captured, which Stripe
        writes as one."""
        moved = self.balance_transaction
        return isinstance(moved, dict) and moved.get("reporting_category") == UNCAPTURED


def read(kind: type[T], reply: Reply) -> T | None:
    """Decodes a reply as `kind`; None for what is not that."""
    try:
        return msgspec.json.decode(reply.body or b"", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def of_intent(intent: Intent, message_id: UUID, scheme: str) -> Outcome:
    """An intent as it stands. `requires_action` is a decline that wants its payer: the caller
    cancels the intent."""
    charge = intent.latest_charge if isinstance(intent.latest_charge, StripeCharge) else None
    error, currency = intent.last_payment_error, intent.currency.upper()
    other = intent.metadata.get(OUR_ID) != str(message_id)
    if intent.status in ("succeeded", "requires_capture"):
        held = intent.amount_received if intent.status == "succeeded" else intent.amount_capturable
        return _approved(
            intent.id, units_of(held, currency), currency, charge, scheme, other_id=other
        )
    if intent.status == "requires_action":
        return Outcome(
            "declined", intent.id, sca_wanted=True, text="authentication", other_id=other
        )
    if intent.status in ("requires_payment_method", "canceled") and error is not None:
        return declined(error, charge, intent.id, scheme, other_id=other)
    if intent.status == "canceled" and intent.latest_charge is None:
        return Outcome(
            "not_sent",
            intent.id,
            processor_code=our_code(CANCELED),
            text="never confirmed",
            other_id=other,
        )
    return Outcome("unknown", intent.id, text=intent.status, other_id=other)


def of_error(
    reply: Reply, scheme: str, charge: StripeCharge | None = None, reference: str | None = None
) -> Outcome:
    """The answer to what was to charge, where it is not an intent. Only a refusal that Stripe
    itself words proves anything."""
    body = read(ErrorBody, reply)
    if body is None:
        return Outcome("unknown", reference, text=UNREADABLE)
    error = body.error
    code = error.code or error.type
    intent = error.payment_intent.id if error.payment_intent else reference
    if reply.status == 402:
        return declined(error, charge, intent, scheme)
    if (
        error.type == DIFFERENT
        or code in _MOVED_ON
        or not 400 <= reply.status < 500
        or reply.status == 409
    ):
        return Outcome("unknown", intent, processor_code=own_code(code), text=error.message)
    return Outcome(
        "not_sent",
        intent,
        processor_code=own_code(code),
        text=error.message,
        fault=fault_of(reply.status, code),
    )


def fault_of(status: int, code: str | None) -> Fault:
    if status in (401, 403):
        return "account"
    if status == 429:
        return "rate"
    return "credential" if status == 404 or code in _GONE else "request"


def declined(
    error: StripeError,
    charge: StripeCharge | None,
    reference: str | None,
    scheme: str,
    *,
    other_id: bool = False,
) -> Outcome:
    verdict = charge.outcome if charge is not None and charge.outcome is not None else Verdict()
    failed = (
        error.code == _NOT_AUTHENTICATED
    )  # the payer could not confirm, or their bank did not let them
    wants_payer = failed or "authentication_required" in (error.code, error.decline_code)
    raw = error.network_decline_code or verdict.network_decline_code
    scheme_code, by_brand = by_network(raw, _card(charge).network)
    return Outcome(
        "declined",
        reference,
        scheme_code,
        _advice(error.network_advice_code or verdict.network_advice_code, charge, scheme),
        own_code(error.decline_code or error.code),
        error.message,
        _card(charge).network_transaction_id,
        processor_advice=advice_by(SOURCE, error.advice_code or verdict.advice_code),
        further=(*filter(None, [own_code(verdict.reason)]), *by_brand),
        sca_wanted=wants_payer,
        reached_network=False if failed else _reached(verdict),
        other_id=other_id,
        credential_news=CredentialNews(is_closed=True)
        if error.code == "payment_method_unactivated"
        else None,
        **_checked(charge, verdict),
    )


def _approved(
    reference: str,
    units: int | None,
    currency: str,
    charge: StripeCharge | None,
    scheme: str,
    *,
    other_id: bool,
) -> Outcome:
    verdict = charge.outcome if charge is not None and charge.outcome is not None else Verdict()
    return Outcome(
        "approved",
        reference,
        network_transaction_id=_card(charge).network_transaction_id,
        units=-1 if units is None else units,
        currency=currency,
        other_id=other_id,
        reached_network=_reached(verdict),
        auth_code=_card(charge).authorization_code,
        hold_until=_moment(_card(charge).capture_before),
        ids=ids_of(charge),
        **_checked(charge, verdict),
    )


def _moment(seconds: int | None) -> datetime | None:
    return (
        datetime.fromtimestamp(seconds, UTC) if seconds is not None and 0 < seconds < _FAR else None
    )


def ids_of(charge: StripeCharge | str | None) -> tuple[str, ...]:
    """The charge's ids in reports, where the account knows only the intent."""
    if isinstance(charge, StripeCharge):
        return tuple(one for one in (charge.id, charge.balance_transaction) if one)
    return (charge,) if charge else ()


def _checked(charge: StripeCharge | None, verdict: Verdict) -> dict[str, Any]:
    """Checks made of a charge, and how risky it seemed: the same of approvals and declines."""
    checks = _card(charge).checks or Checks()
    address = [one for one in (checks.address_line1_check, checks.address_postal_code_check) if one]
    return {
        "avs": "/".join(address) or None,
        "cvv": checks.cvc_check,
        "risk": verdict.risk_level,
        "risk_score": verdict.risk_score,
        "category": verdict.type,
    }


def _reached(verdict: Verdict) -> bool | None:
    known = {"not_sent_to_network": False, "approved_by_network": True, "declined_by_network": True}
    return known.get(verdict.network_status or "")


def _card(charge: StripeCharge | None) -> CardDetails:
    details = charge.payment_method_details if charge is not None else None
    return details.card if details is not None and details.card is not None else CardDetails()


def _advice(code: str | None, charge: StripeCharge | None, scheme: str) -> str | None:
    """Mastercard's; on another network's card it means nothing."""
    return plain_advice(code) if (_card(charge).brand or scheme) == "mastercard" else None


def of_refund(refund: Refund, message_id: UUID | None) -> Outcome:
    currency, states, moved = refund.currency.upper(), _REFUNDED, refund.balance_transaction
    moved = moved.get("id") if isinstance(moved, dict) else moved
    units = units_of(refund.amount, currency)
    return Outcome(
        states.get(refund.status or "", "unknown"),
        refund.id,
        processor_code=own_code(refund.failure_reason),
        units=-1 if units is None else units,
        currency=currency,
        other_id=refund.metadata.get(OUR_ID) != str(message_id),
        ids=(moved,) if isinstance(moved, str) else (),
    )


def of_refusal(reply: Reply, gone: frozenset[str]) -> Outcome:
    """The answer to what moves an earlier charge. `gone`: codes that say for good that it cannot be
    done."""
    body = read(ErrorBody, reply)
    if body is None:
        return Outcome("unknown", text=UNREADABLE)
    code, said = body.error.code or body.error.type, body.error.message
    if (
        reply.status in (400, 402, 404)
        and body.error.type != DIFFERENT
        and code not in _MOVED_ON - gone
    ):
        return Outcome(
            "declined", processor_code=own_code(code), text=said, fault=fault_of(reply.status, code)
        )
    if reply.status in (401, 403, 429):
        return Outcome(
            "not_sent", processor_code=own_code(code), text=said, fault=fault_of(reply.status, code)
        )
    return Outcome("unknown", processor_code=own_code(code), text=said)


_REFUNDED: Final[dict[str, State]] = {
    "succeeded": "approved",
    "failed": "declined",
    "canceled": "declined",
}


class Invoice(msgspec.Struct, frozen=True):
    """`payments`: expanded; the newest first."""

    id: str
    status: str
    currency: str
    amount_remaining: int
    amount_paid: int = 0
    customer: str | None = None
    payments: Mapping[str, Any] | None = None

    def outcome(self, charge: Charge) -> Outcome:
        """The invoice as an answer to the charge that was to pay it."""
        if self.id != charge.invoice or self.status != "paid":
            return Outcome("unknown", text=self.status, other_id=self.id != charge.invoice)
        currency = self.currency.upper()
        intent = self._intent(paid=True)
        units = units_of(intent.amount_received if intent else self.amount_paid, currency)
        reference = intent.id if intent else None
        ids = ids_of(intent.latest_charge if intent else None)
        return Outcome(
            "approved", reference, units=-1 if units is None else units, currency=currency, ids=ids
        )

    def declined(self, charge: Charge) -> Outcome:
        intent = self._intent(paid=False)
        if intent is None or intent.last_payment_error is None:
            return Outcome("declined", processor_code=own_code("invoice_payment_failed"))
        found = of_intent(intent, charge.key, charge.credential.scheme)
        return replace(found, state="declined", other_id=False)

    def _intent(self, *, paid: bool) -> Intent | None:
        for one in (self.payments or {}).get("data", ()):
            intent = (one.get("payment") or {}).get("payment_intent")
            if (one.get("status") == "paid") is paid and isinstance(intent, dict):
                return msgspec.convert(intent, Intent)
        return None
