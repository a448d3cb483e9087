"""What /evaluate and /transmit read alike: whose payment it is, when it was, who paid."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.doors.rescue.body import members
from recoup.doors.rescue.complaints import Complaints
from recoup.doors.rescue.shapes.declined import Address, Payer, PaymentRequest, TransactionOutside
from recoup.flows.cards.taken import Person

NOT_YOUR_MID: Final = (
    "The Mid does not belong to this credential. Leave it out, or sign in with a key of the merchant that it names."
)


def check_own(mid: UUID | None, merchant_id: UUID, complaints: Complaints) -> None:
    """A merchant id in the body must be the credential's. Partners send it, others may."""
    if mid is not None and mid != merchant_id:
        complaints.add("Mid", text=NOT_YOUR_MID)


def happened_at(transaction: TransactionOutside) -> datetime | None:
    return transaction.timestamp_utc or transaction.timestamp


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
        shipping=members(body.shipping_information) or None if body.shipping_information is not None else None,
    )
