"""Reading of the payment in /evaluate and /transmit: whose it is, when it was, who paid."""

from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from recoup.kernel.worth import amount_max
from recoup.keys.api.v1_resource import Call
from recoup.kit.api.body import Complaints, ShapeT, members, read_body
from recoup.networks.codes import plain_advice
from recoup.rescue.api.declined_shapes import (
    Address,
    Payer,
    PaymentRequest,
    Transaction,
    TransactionCopy,
    TransactionOutside,
)
from recoup.rescue.flows.taken import Person
from recoup.rescue.rules.intake_warnings import UNREAD_TIME

_AMOUNT: Final = "Transaction.Amount"
NOT_YOUR_MID: Final = (
    "The Mid does not belong to this credential. Leave it out, or sign in with a key "
    "of the merchant that it names."
)


def check_own(mid: UUID | None, merchant_id: UUID, complaints: Complaints) -> None:
    """A merchant id in the body must be the credential's. Partners send it, others may."""
    if mid is not None and mid != merchant_id:
        complaints.add("Mid", text=NOT_YOUR_MID)


def read_own(call: Call, shape: type[ShapeT]) -> ShapeT:
    """The body, whose `mid` is the credential's. Raises: Problem(invalid), all complaints at
    once."""
    body, complaints = read_body(call.body, shape)
    check_own(cast(Any, body).mid, call.scope.merchant_id, complaints)
    complaints.raise_if_any()
    return body


def check_amount(transaction: Transaction | TransactionCopy, complaints: Complaints) -> None:
    """A payment is bounded by what its currency is worth."""
    if _AMOUNT in complaints or not isinstance(transaction.currency, str):
        return
    most = amount_max(transaction.currency.upper())
    if transaction.amount > most:
        complaints.add(
            _AMOUNT,
            f"must be between 1 and {most}, in minor units of {transaction.currency.upper()}: 4590 "
            f"for 45.90",
        )


def advice_of(transaction: TransactionOutside, complaints: Complaints) -> str | None:
    """Mastercard's two digits; a text that is no form of them is a complaint."""
    advice = plain_advice(transaction.advice_code)
    if transaction.advice_code and transaction.advice_code.strip() and advice is None:
        complaints.add(
            "Transaction.AdviceCode",
            "is not a Mastercard merchant advice code: send its two digits, such as 03, or leave "
            "it out",
        )
    return advice


def happened_at(transaction: TransactionOutside) -> datetime | None:
    return transaction.timestamp_utc or transaction.timestamp


def unread_time(raw: Any, transaction: TransactionOutside) -> tuple[str, ...]:
    """A warning where the time of the transaction was sent, and cannot be read."""
    sent = (
        raw["transaction"].get(name) not in (None, "") for name in ("timestampUtc", "timestamp")
    )
    return (UNREAD_TIME,) if happened_at(transaction) is None and any(sent) else ()


def person_of(body: PaymentRequest, holder: str) -> Person:
    """`holder`: who stands on the card, where the bill has no name."""
    payer, billing = body.payer or Payer(), body.billing_information or Address()
    first, last = billing.first_name or "", billing.last_name or ""
    if not first and not last and holder:
        first, _, last = holder.rpartition(" ") if " " in holder else (holder, "", "")
    return Person(
        external_id=payer.id or "",
        first_name=first,
        last_name=last,
        email=payer.email or "",
        phone=payer.phone or "",
        ip=body.customer_ip or "",
        billing=members(billing) or None,
        shipping=members(body.shipping_information) or None
        if body.shipping_information is not None
        else None,
    )
