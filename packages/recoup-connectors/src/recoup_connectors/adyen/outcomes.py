"""Adyen's answers as outcomes. Field 39, Mastercard's advice and Adyen's own codes are three
things, and none is filled from another."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from recoup.networks.codes import by_network, plain_advice
from recoup.networks.decline_code import code_by
from recoup.processors.gateways.credential import CredentialNews
from recoup.processors.gateways.outcome import Fault, Outcome
from recoup.processors.gateways.port import ModificationMessage
from recoup.processors.gateways.transport import Reply
from recoup_connectors.adyen.amounts import units_of

UNREADABLE: Final = "the answer could not be read"
RECEIVED: Final = "received"
_RUNNING: Final = "704"  # an earlier one under the same key is not finished
_GONE: Final = frozenset(
    {"800", "803", "805"}
)  # no such contract, no such stored card, not of that kind
_WANTS_PAYER: Final = frozenset({"ChallengeShopper", "IdentifyShopper", "RedirectShopper"})
_DECLINED: Final = frozenset({"Refused", "Cancelled", "Error"})
_STOPPED: Final = frozenset({"11", "20", "21", "46"})  # by Adyen's own checks, before the network
_AUTHENTICATE: Final = frozenset({"11", "38"})  # the payer has not confirmed, or has to
_CLOSED: Final = "CloseAccount"
_UPDATED: Final = frozenset({"CardChanged", "CardExpiryChanged"})
_CODE: Final = re.compile(r"([A-Z0-9]{2,3}) : ")
_EXPIRY: Final = re.compile(r"(\d{1,2})/(\d{4})")
T = TypeVar("T")
own_code: Final = partial(code_by, "adyen")


class Amount(msgspec.Struct, frozen=True):
    value: int
    currency: str

    @property
    def units(self) -> int:
        """-1 for what has no amount of ours."""
        found = units_of(self.value, self.currency)
        return -1 if found is None else found


class Action(msgspec.Struct, frozen=True):
    """Action that the shopper is to take; `url` of a redirect by GET."""

    type: str | None = None
    url: str | None = None
    method: str | None = None


class FraudResult(msgspec.Struct, frozen=True, rename="camel"):
    account_score: int | None = None


class Payment(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to what charges. `additional_data`: only what is switched on
    in the Customer Area."""

    result_code: str
    psp_reference: str | None = None
    merchant_reference: str | None = None
    amount: Amount | None = None
    refusal_reason: str | None = None
    refusal_reason_code: str | None = None
    additional_data: Mapping[str, Any] = {}
    fraud_result: FraudResult | None = None
    action: Action | None = None

    @property
    def payer_page(self) -> str | None:
        """The page where its payer confirms; None where Adyen wants something else of them."""
        action = self.action
        by_get = (
            action is not None and action.type == "redirect" and (action.method or "GET") == "GET"
        )
        return action.url if action is not None and by_get else None

    def more(self, name: str) -> str | None:
        found = self.additional_data.get(name)
        return str(found) if isinstance(found, (str, int)) and str(found) else None


class Modification(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to a capture, cancel or refund: never its result."""

    status: str
    psp_reference: str
    payment_psp_reference: str
    merchant_account: str
    reference: str | None = None
    amount: Amount | None = None


class ServiceError(msgspec.Struct, frozen=True, rename="camel"):
    error_code: str | None = None
    error_type: str | None = None
    message: str | None = None
    status: int | None = None


def read(kind: type[T], reply: Reply) -> T | None:
    """Decodes a reply as `kind`; None for what is not that."""
    try:
        return msgspec.json.decode(reply.body or b"", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def of_payment(
    payment: Payment, message_id: UUID, scheme: str, now: datetime, *, payer_at_hand: bool = False
) -> Outcome:
    """Approved is what says so with our reference. A part that is not wanted its caller gives back.
    `payer_at_hand`: they can be sent to a page of Adyen's."""
    other = payment.merchant_reference != str(message_id)
    amount = payment.amount
    said: dict[str, Any] = {
        "reference": payment.psp_reference,
        "units": amount.units if amount else None,
        "currency": amount.currency if amount else None,
        "other_id": other,
        **_details(payment, scheme, now),
    }
    result = payment.result_code
    if result in ("Authorised", "PartiallyAuthorised"):
        if amount is None or payment.psp_reference is None:
            return Outcome("unknown", payment.psp_reference, text=UNREADABLE, other_id=other)
        return Outcome("approved", **said)
    at_page = Outcome("awaits_payer", payment.psp_reference, redirect_url=payment.payer_page)
    if (
        payer_at_hand
        and result == "RedirectShopper"
        and at_page.redirect_url is not None
        and not other
    ):
        return at_page
    if result in _WANTS_PAYER:
        return Outcome("declined", sca_wanted=True, text="authentication", **said)
    if result in _DECLINED:
        wants_payer = payment.refusal_reason_code in _AUTHENTICATE
        return Outcome(
            "declined", text=payment.refusal_reason or result, sca_wanted=wants_payer, **said
        )
    return Outcome(
        "unknown", payment.psp_reference, text=result, other_id=other
    )  # Received, Pending, and new ones


def _details(payment: Payment, scheme: str, now: datetime) -> dict[str, Any]:
    """The same of approvals and declines. What Adyen sent again by itself, with a newer card or to
    another acquirer, counts as often."""
    updated = payment.more("realtimeAccountUpdaterStatus")
    repeated = updated in _UPDATED or payment.more("retry.attempt1.rawResponse") is not None
    scheme_code, by_brand = by_network(
        _scheme_code(payment), payment.more("paymentMethod") or scheme
    )
    score = payment.fraud_result.account_score if payment.fraud_result else None
    return {
        "scheme_code": scheme_code,
        "further": by_brand,
        "advice_code": _advice(payment, scheme),
        "processor_code": own_code(payment.refusal_reason_code),
        "network_transaction_id": payment.more("networkTxReference"),
        "network_attempts": 2 if repeated else 1,
        "reached_network": _reached(payment),
        "retries_itself_at": now if payment.more("retry.rescueScheduled") == "true" else None,
        "credential_news": _news(payment, updated),
        "avs": payment.more("avsResultRaw") or payment.more("avsResult"),
        "cvv": payment.more("cvcResultRaw") or payment.more("cvcResult"),
        "risk": str(score) if score is not None else None,
        "risk_score": score,
        "category": payment.more("inferredRefusalReason"),
        "auth_code": payment.more("authCode"),
    }


def _scheme_code(payment: Payment) -> str | None:
    """Field 39: by Adyen's own acquiring a member of its own, else what stands before the text."""
    own = payment.more("refusalCodeRaw")
    if own is not None:
        return own
    found = _CODE.match(payment.more("refusalReasonRaw") or "")
    return found[1] if found else None


def _advice(payment: Payment, scheme: str) -> str | None:
    """Mastercard's; on another network's card it means nothing."""
    brand = payment.more("paymentMethod") or scheme
    return (
        plain_advice(payment.more("merchantAdviceCode"))
        if brand.startswith(("mc", "mastercard"))
        else None
    )


def _reached(payment: Payment) -> bool | None:
    if payment.refusal_reason_code in _STOPPED and _scheme_code(payment) is None:
        return False
    approved = payment.result_code in ("Authorised", "PartiallyAuthorised")
    return True if approved or _scheme_code(payment) is not None else None


def _news(payment: Payment, updated: str | None) -> CredentialNews | None:
    par = payment.more("paymentAccountReference")
    if updated == _CLOSED:
        return CredentialNews(account_reference=par, is_closed=True)
    found = _EXPIRY.fullmatch(payment.more("expiryDate") or "") if updated in _UPDATED else None
    if found is None:
        return CredentialNews(account_reference=par) if par else None
    return CredentialNews(int(found[1]), int(found[2]), account_reference=par)


def of_error(reply: Reply) -> Outcome:
    """The answer to what was to charge, where it is no payment. Only a refusal in Adyen's own words
    proves anything."""
    error = read(ServiceError, reply)
    if error is None or error.error_code is None and error.error_type is None:
        return Outcome("unknown", text=UNREADABLE)
    code, proves = error.error_code, reply.status in (400, 401, 403, 404, 422, 429)
    if not proves or code == _RUNNING or error.error_type == "internal":
        return Outcome("unknown", processor_code=own_code(code), text=error.message)
    return Outcome(
        "not_sent",
        processor_code=own_code(code),
        text=error.message,
        fault=fault_of(reply.status, code),
    )


def fault_of(status: int, code: str | None) -> Fault:
    if status in (401, 403):
        return "account"
    if status == 429:
        return "rate"
    return "credential" if code in _GONE else "request"


def of_modification(message: ModificationMessage, account: str, reply: Reply) -> Outcome:
    """The outcome of a modification, open until its notice comes: "received" is no result."""
    found = read(Modification, reply) if reply.status in (200, 201) else None
    if found is None:
        return of_refusal(reply)
    other = (found.reference, found.payment_psp_reference, found.merchant_account)
    same_amount = found.amount is None or (found.amount.units, found.amount.currency) == (
        message.units,
        message.currency,
    )
    if (
        other != (str(message.key), message.reference, account)
        or not same_amount
        or found.status != RECEIVED
    ):
        return Outcome("unknown", found.psp_reference, text=UNREADABLE, other_id=True)
    return Outcome("unknown", found.psp_reference, text=RECEIVED, result_follows=True)


def of_refusal(reply: Reply) -> Outcome:
    """The answer to what moves an earlier charge, or answers a dispute."""
    said = of_error(reply)
    if said.state == "not_sent" and reply.status in (400, 404, 422):
        return Outcome(
            "declined", processor_code=said.processor_code, text=said.text, fault=said.fault
        )
    return said
