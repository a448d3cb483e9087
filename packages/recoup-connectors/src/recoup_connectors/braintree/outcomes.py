"""Braintree's answers as outcomes. Field 39, Mastercard's advice and the gateway's own codes are
three things, and none is filled from another."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal, TypeVar

import msgspec

from recoup.kernel.ids import parse_id
from recoup.networks.codes import plain_advice
from recoup.networks.decline_code import advice_by, code_by, our_code
from recoup.processors.gateways.connector import refund_found
from recoup.processors.gateways.outcome import Fault, Outcome, State
from recoup.processors.gateways.transport import Reply
from recoup.processors.gateways.wire_amounts import units_of
from recoup.processors.rules.answers import Movement, MovementKind

SOURCE: Final = "braintree"  # whose codes they are
UNREADABLE: Final = "the answer could not be read"
AUTHORISED: Final = "AUTHORIZED"
VOIDED: Final = "VOIDED"
SETTLEMENT_DECLINED: Final = "SETTLEMENT_DECLINED"
TAKEN: Final = frozenset(
    {
        "SUBMITTED_FOR_SETTLEMENT",
        "SETTLEMENT_PENDING",
        "SETTLING",
        "SETTLEMENT_CONFIRMED",
        "SETTLED",
    }
)
DECLINED: Final = frozenset({"PROCESSOR_DECLINED", "FAILED", "GATEWAY_REJECTED"})
DUPLICATE: Final = "DUPLICATE"
_ENDS: Final[Mapping[str, MovementKind]] = {VOIDED: "void", SETTLEMENT_DECLINED: "capture_failed"}
NOT_YET: Final = frozenset(
    {"91506", "91574", "915282"}
)  # what has not settled, or settles just now, is not refunded
KEY_USED: Final = frozenset({"915232", "915234"})  # by another message, or by one that failed
_KEY_BUSY: Final = frozenset({"915233", "915235"})
_METHOD_GONE: Final = frozenset({"91511", "91516", "91518"})
_SCA: Final = "2099"
_CLASSES: Final[Mapping[str, Fault]] = {
    "AUTHENTICATION": "account",
    "AUTHORIZATION": "account",
    "UNSUPPORTED_CLIENT": "account",
    "RESOURCE_LIMIT": "rate",
    "VALIDATION": "request",
    "NOT_IMPLEMENTED": "request",
    "NOT_FOUND": "credential",
}
T = TypeVar("T")
own_code: Final = partial(code_by, SOURCE)


class Money(msgspec.Struct, frozen=True):
    value: str
    currencyCode: str

    def units(self) -> int:
        """-1 for what cannot be ours."""
        units = units_of(self.value, self.currencyCode)
        return -1 if units is None else units


class Code(msgspec.Struct, frozen=True):
    code: str | None = None


class ProcessorResponse(msgspec.Struct, frozen=True):
    legacyCode: str | None = None
    message: str | None = None
    cvvResponse: str | None = None
    avsPostalCodeResponse: str | None = None
    avsStreetAddressResponse: str | None = None
    authorizationId: str | None = None
    additionalInformation: str | None = None


class Event(msgspec.Struct, frozen=True):
    """Event of a payment's history."""

    status: str | None = None
    processorResponse: ProcessorResponse | None = None
    networkResponse: Code | None = None
    merchantAdviceCodeResponse: Code | None = None
    declineType: str | None = None
    gatewayRejectionReason: str | None = None
    authorizationExpiresAt: str | None = None


class CardInfo(msgspec.Struct, frozen=True):
    brandCode: str | None = None


class Snapshot(msgspec.Struct, frozen=True):
    networkTransactionId: str | None = None
    creditCard: CardInfo | None = None


class Risk(msgspec.Struct, frozen=True):
    decision: str | None = None
    score: int | None = None


class Disbursed(msgspec.Struct, frozen=True):
    date: str | None = None
    amount: Money | None = None


class Payment(msgspec.Struct, frozen=True):
    """A transaction or a refund. `orderId`: the key of the message that made it, of a charge behind
    the order's."""

    id: str
    status: str
    amount: Money
    legacyId: str = ""
    orderId: str | None = None
    merchantAccountId: str | None = None
    createdAt: str | None = None
    statusHistory: list[Event] | None = None
    paymentMethodSnapshot: Snapshot | None = None
    riskData: Risk | None = None
    disbursementDetails: Disbursed | None = None
    refunds: "list[Payment] | None" = None

    @property
    def key(self) -> str | None:
        return key_in(self.orderId)

    @property
    def ids(self) -> tuple[str, ...]:
        """The payment's ids in reports and notices, beside the id of GraphQL."""
        return (self.legacyId,) if self.legacyId else ()

    def said(self) -> Event:
        """The event that made its present status, or the authorisation behind it."""
        history = self.statusHistory or []
        wanted = self.status if self.status in DECLINED else AUTHORISED
        return next((one for one in history if one.status == wanted), Event())


class ErrorDetails(msgspec.Struct, frozen=True):
    errorClass: str | None = None
    legacyCode: str | None = None


class GraphError(msgspec.Struct, frozen=True):
    message: str | None = None
    extensions: ErrorDetails | None = None


class Answer(msgspec.Struct, frozen=True):
    data: dict[str, Any] | None = None
    errors: list[GraphError] | None = None


def key_in(order_id: str | None) -> str | None:
    """Our key of a message, in what Braintree calls its order id."""
    return order_id.rpartition(".")[2] if order_id else None


def read(kind: type[T], plain: Any) -> T | None:
    """Decodes plain values as `kind`; None for what is not that."""
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError:
        return None


def answer_of(reply: Reply) -> Answer | None:
    try:
        return msgspec.json.decode(reply.body or b"", type=Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def found_at(answer: Answer | None, *path: str) -> Any:
    """The value at that path of an answer; None where nothing stands there."""
    here: Any = answer.data if answer is not None else None
    for name in path:
        here = here.get(name) if isinstance(here, dict) else None
    return here


def payment_at(reply: Reply, *path: str) -> Payment | None:
    answer = answer_of(reply) if reply.status == 200 else None
    return read(Payment, found_at(answer, *path))


def code_of(reply: Reply) -> str | None:
    """The gateway's own code of its first error."""
    return next((code for _, code in _errors(answer_of(reply)) if code), None)


def _errors(answer: Answer | None) -> list[tuple[str, str | None]]:
    listed = answer.errors or [] if answer is not None else []
    details = [one.extensions or ErrorDetails() for one in listed]
    return [(detail.errorClass or "", detail.legacyCode) for detail in details]


def of_error(reply: Reply) -> Outcome:
    """An answer without a payment. Only a refusal in Braintree's own words proves that nothing was
    done: each of its errors must be of a class that says so."""
    answer = answer_of(reply)
    errors = _errors(answer)
    text = answer.errors[0].message if answer is not None and answer.errors else UNREADABLE
    code = next((code for _, code in errors if code), None) or next(
        (name for name, _ in errors if name), None
    )
    faults = {_CLASSES.get(name) for name, _ in errors}
    codes = {code for _, code in errors}
    if not errors or None in faults or codes & (_KEY_BUSY | KEY_USED):
        return Outcome("unknown", processor_code=own_code(code), text=text)
    fault = next(one for one in ("account", "rate", "credential", "request") if one in faults)
    if codes & _METHOD_GONE:
        fault = "credential"
    return Outcome("not_sent", processor_code=own_code(code), text=text, fault=fault)


def of_refusal(reply: Reply) -> Outcome:
    """The same of what moves an earlier payment: a refusal of the move itself is final."""
    said = of_error(reply)
    if (
        said.state != "not_sent"
        or said.fault in ("account", "rate")
        or said.processor_code in map(own_code, NOT_YET)
    ):
        return said
    return Outcome("declined", processor_code=said.processor_code, text=said.text, fault="request")


def of_payment(payment: Payment, message_id: str, scheme: str) -> Outcome:
    """A transaction as it stands, as the answer to the charge of that id."""
    event, card = payment.said(), payment.paymentMethodSnapshot or Snapshot()
    response, risk = event.processorResponse or ProcessorResponse(), payment.riskData or Risk()
    own = response.legacyCode or event.gatewayRejectionReason
    state = _state(payment, event)
    return Outcome(
        state,
        payment.id,
        (event.networkResponse or Code()).code if state == "declined" else None,
        _advice(event, card, scheme),
        own_code(own) if state == "declined" else None,
        " ".join(filter(None, (response.message, response.additionalInformation))) or None,
        card.networkTransactionId,
        units=payment.amount.units(),
        currency=payment.amount.currencyCode,
        other_id=payment.key != message_id,
        reached_network=_reached(state, event),
        sca_wanted=own in (_SCA, "THREE_D_SECURE"),
        processor_advice=advice_by(SOURCE, event.declineType),
        category=event.gatewayRejectionReason,
        avs=_joined(response.avsStreetAddressResponse, response.avsPostalCodeResponse),
        cvv=response.cvvResponse,
        risk=risk.decision,
        risk_score=risk.score,
        auth_code=response.authorizationId,
        hold_until=_moment(event.authorizationExpiresAt),
        ids=payment.ids,
    )


def _moment(text: str | None) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(text or "")
    return None


def _state(payment: Payment, event: Event) -> State:
    if payment.status == AUTHORISED or payment.status in TAKEN:
        return "approved"
    if payment.status in (VOIDED, SETTLEMENT_DECLINED, "AUTHORIZATION_EXPIRED"):
        return "approved"  # it was, and what became of it later is another fact
    if payment.status not in DECLINED or event.gatewayRejectionReason == DUPLICATE:
        return "unknown"
    return "declined"


def _reached(state: State, event: Event) -> bool | None:
    if event.status == "GATEWAY_REJECTED":
        return (
            event.networkResponse or Code()
        ).code is not None  # AVS and CVV rules look at the network's answer
    return True if state == "approved" or event.status == "PROCESSOR_DECLINED" else None


def _advice(event: Event, card: Snapshot, scheme: str) -> str | None:
    """Mastercard's; on another network's card it means nothing."""
    code = (event.merchantAdviceCodeResponse or Code()).code
    brand = ((card.creditCard or CardInfo()).brandCode or scheme).lower()
    return plain_advice(code) if brand == "mastercard" else None


def _joined(*parts: object) -> str | None:
    return "/".join(str(part) for part in parts if part is not None) or None


def of_capture(payment: Payment, reference: str) -> Outcome:
    """A transaction as the answer to its capture."""
    if payment.status == AUTHORISED:
        return Outcome("not_found")
    if payment.status not in TAKEN:
        state: Literal["unknown", "declined"] = (
            "unknown" if payment.status == "AUTHORIZING" else "declined"
        )
        return Outcome(state, payment.id, processor_code=own_code(payment.status.lower()))
    return _moved("approved", payment, other_id=payment.id != reference)


def of_refund(refund: Payment, message_id: str | None) -> Outcome:
    """A refund as it stands: one that failed later is a decline."""
    state: State = "approved" if refund.status in TAKEN else "unknown"
    if refund.status in DECLINED | {SETTLEMENT_DECLINED, VOIDED}:
        state = "declined"
    return _moved(state, refund, other_id=refund.key != message_id)


def done_with(payment: Payment) -> list[Movement]:
    """Movements made of this transaction. A sale that is on its way is told as its capture."""
    kind = "capture" if payment.status in TAKEN else _ENDS.get(payment.status)
    units, currency, found = payment.amount.units(), payment.amount.currencyCode, list[Movement]()
    if kind is not None:
        found.append(Movement(kind, payment.id, units, currency, ids=payment.ids))
    for refund in payment.refunds or []:
        if refund.status not in DECLINED:
            found += refund_found(of_refund(refund, refund.key), parse_id(refund.key or ""))
    return found


def of_void(payment: Payment, reference: str) -> Outcome:
    if payment.status == VOIDED:
        return _moved("approved", payment, other_id=payment.id != reference)
    if payment.status == AUTHORISED:
        return Outcome("not_found")
    return Outcome(
        "declined", payment.id, processor_code=our_code(f"already_{payment.status.lower()}")
    )


def _moved(state: State, payment: Payment, *, other_id: bool) -> Outcome:
    code = payment.status.lower() if state == "declined" else None
    return Outcome(
        state,
        payment.id,
        processor_code=own_code(code),
        units=payment.amount.units(),
        currency=payment.amount.currencyCode,
        other_id=other_id,
        ids=payment.ids,
    )
