"""NMI's answers as outcomes. It gives neither field 39 nor Mastercard's advice: its own codes stay
its own."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final, Literal, NamedTuple

from recoup.kernel.ids import parse_id
from recoup.networks.decline_code import DeclineCode, code_by
from recoup.processors.gateways.connector import refund_found
from recoup.processors.gateways.outcome import Fault, Outcome, State
from recoup.processors.gateways.wire_amounts import units_of
from recoup.processors.rules.answers import Movement, MovementKind
from recoup_connectors.plain_xml import Element

SOURCE: Final = "nmi"  # whose codes they are
UNREADABLE: Final = "the answer could not be read"
HELD: Final = "pending"  # conditions of a transaction
TAKEN: Final = frozenset({"pendingsettlement", "complete"})
GONE: Final = frozenset({"failed", "canceled", "abandoned"})
_PROOF: Final[Mapping[str, Fault]] = {
    "300": "request",
    "301": "rate",
    "410": "account",
    "411": "account",
    "440": "request",
    "461": "request",
}
_ADVICE: Final = range(260, 265)
own_code: Final = partial(code_by, SOURCE)


class Action(NamedTuple):
    """Action of a transaction's history. `date`: UTC, `20261120120000`."""

    type: str
    success: bool
    amount: str
    code: str
    text: str
    date: str


class Transaction(NamedTuple):
    id: str
    order_id: str
    condition: str
    currency: str
    avs: str | None
    cvv: str | None
    auth_code: str | None
    actions: tuple[Action, ...]

    def last(self, *types: str) -> Action | None:
        return next((action for action in reversed(self.actions) if action.type in types), None)


def transaction_of(plain: Element) -> Transaction:
    actions = tuple(
        Action(
            one.text_at("action_type"),
            one.text_at("success") == "1",
            one.text_at("amount"),
            one.text_at("response_code"),
            one.text_at("response_text"),
            one.text_at("date"),
        )
        for one in plain.of("action")
    )
    return Transaction(
        plain.text_at("transaction_id"),
        plain.text_at("order_id"),
        plain.text_at("condition"),
        plain.text_at("currency"),
        plain.text_at("avs_response") or None,
        plain.text_at("csc_response") or None,
        plain.text_at("authorization_code") or None,
        tuple(sorted(actions, key=lambda action: action.date)),
    )


def is_duplicate(form: Mapping[str, str]) -> bool:
    """Another of the same card and amount was there just before."""
    return form.get("response") == "3" and (
        form.get("response_code") == "430"
        or "duplicate transaction" in form.get("responsetext", "").lower()
    )


def of_sale(form: Mapping[str, str], message_id: str) -> Outcome:
    """The answer to a sale or a hold. It names no amount, but of a part."""
    response, code, text = form.get("response"), form.get("response_code"), form.get("responsetext")
    reference = form.get("transactionid") or None
    if response not in ("1", "2"):
        return of_error(form)
    return Outcome(
        "approved" if response == "1" else "declined",
        reference,
        processor_code=own_code(code) if response == "2" else None,
        text=text,
        other_id=form.get("orderid") != message_id,
        reached_network=True,
        processor_advice=_advice(code) if response == "2" else None,
        avs=form.get("avsresponse") or None,
        cvv=form.get("cvvresponse") or None,
        auth_code=form.get("authcode") or None,
    )


def of_error(form: Mapping[str, str]) -> Outcome:
    """The outcome of an error. Only what the gateway itself refused, for a reason that is none of
    the processor's, proves that nothing left."""
    code, text = form.get("response_code"), form.get("responsetext")
    fault = _PROOF.get(code or "")
    if form.get("response") != "3" or fault is None or is_duplicate(form):
        return Outcome(
            "unknown",
            form.get("transactionid") or None,
            processor_code=own_code(code),
            text=text or UNREADABLE,
        )
    words = (text or "").lower()
    if "authentication failed" in words:
        fault = "account"
    elif "vault" in words:
        fault = "credential"
    return Outcome("not_sent", processor_code=own_code(code), text=text, fault=fault)


def of_transaction(found: Transaction, message_id: str, currency: str) -> Outcome:
    """A sale or hold as the book has it."""
    sent = found.last("sale", "auth")
    if sent is None:
        return Outcome("unknown", found.id, text=UNREADABLE)
    code = sent.code or None
    if not sent.success:
        declined = found.condition == "failed" and (code or "").startswith("2")
        state: State = "declined" if declined else "unknown"
        fault = _PROOF.get(code or "")
        if found.condition == "failed" and fault is not None:
            return Outcome(
                "not_sent", found.id, processor_code=own_code(code), text=sent.text, fault=fault
            )
    else:
        state = "approved" if found.condition in TAKEN | GONE | {HELD} else "unknown"
    return Outcome(
        state,
        found.id,
        processor_code=own_code(code) if state == "declined" else None,
        text=sent.text or None,
        units=_units(sent.amount, currency),
        currency=found.currency or None,
        other_id=found.order_id != message_id,
        reached_network=True if state in ("approved", "declined") else None,
        processor_advice=_advice(code) if state == "declined" else None,
        avs=found.avs,
        cvv=found.cvv,
        auth_code=found.auth_code,
    )


def of_move(form: Mapping[str, str]) -> Outcome:
    """The answer to what moves an earlier payment, where it was not done: a refusal of the move
    itself is final."""
    if form.get("response") == "2":
        return Outcome(
            "declined",
            processor_code=own_code(form.get("response_code")),
            text=form.get("responsetext"),
        )
    said = of_error(form)
    if said.state != "not_sent" or said.fault in ("account", "rate"):
        return said
    return Outcome("declined", processor_code=said.processor_code, text=said.text, fault="request")


def moved(found: Transaction, type: str, currency: str, *, other_id: bool = False) -> Outcome:
    """The outcome of a capture, refund or void in the book."""
    action = found.last(type)
    units = _units(action.amount, currency) if action is not None else None
    state: Literal["approved", "declined"] = (
        "declined" if found.condition == "failed" else "approved"
    )
    code = found.condition if state == "declined" else None
    return Outcome(
        state,
        found.id,
        processor_code=own_code(code),
        units=None if type == "void" else units,
        currency=found.currency or None,
        other_id=other_id,
    )


def done_with(found: Transaction, *, is_sale: bool) -> list[Movement]:
    """Movements that the book shows of a sale or hold, or its refund by this transaction."""
    refund = found.last("refund", "credit")
    if not is_sale:
        if refund is None or not refund.success or found.last("sale", "auth") is not None:
            return []
        said = moved(found, refund.type, found.currency)
        gone = replace(said, state="declined") if found.condition in GONE else said
        return refund_found(gone, parse_id(found.order_id))
    kind: MovementKind = "void" if found.condition == "canceled" else "capture"
    action = found.last(kind) or found.last("sale")
    if action is None or found.condition not in TAKEN | {"canceled"}:
        return []
    return [Movement(kind, found.id, _units(action.amount, found.currency), found.currency)]


def _units(text: str, currency: str) -> int:
    """-1 for what cannot be ours."""
    units = units_of(text, currency)
    return -1 if units is None else abs(units)


def _advice(code: str | None) -> DeclineCode | None:
    """Its own wish for recurring payments, which is not the network's."""
    return (
        own_code(code)
        if code and code.isascii() and code.isdigit() and int(code) in _ADVICE
        else None
    )
