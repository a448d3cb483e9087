"""Moves by a processor's reports of an order's invoice, which its open order follows, and of a
payment that counts as made, which people decide on: no stage goes back."""

from typing import Final
from uuid import UUID

from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.typed_card import CardIds
from recoup.refunds.moves.elsewhere import HOLD_EXPIRED
from recoup.rescue.moves.amendment import change_amount, replace_card
from recoup.rescue.store.processor_invoices import InvoiceNow, follow

FRAUD_WARNED: Final = "fraud_warned"
INVOICE_CLOSED: Final = "invoice_closed"
INVOICE_LEFT: Final = "invoice_left_open"


def fraud_reported(change: Change, warning_id: UUID, attempt_id: UUID) -> None:
    """The card's issuer says so: the merchant charges the card no more. Under the card's lock. The
    same warning again blocks nothing twice."""
    change.block_card(warning_id, "fraud_warning", None)
    if change.order.left_units:
        change.raise_attention(FRAUD_WARNED)
    attempt = change.order.attempt(attempt_id)
    change.fact(
        "early_warning",
        attempt_id,
        warning_id=warning_id,
        attempt_id=attempt_id,
        number=attempt.attempt_no,
        units=attempt.units,
        why=FRAUD_WARNED,
    )


def follow_invoice(change: Change, now: InvoiceNow, card: CardIds | None, last4: str) -> None:
    """Takes over what the processor would charge now: its amount, and its card where that is
    another. Not while an attempt is out, whose answer comes first. Raises: Problem, as
    `replace_card`."""
    order = change.order
    if order.attempt_in_flight() is None:
        change_amount(change, now.units)
        if card:
            replace_card(change, card, before=order.card.last4 if order.card else "", last4=last4)
        change.rows.beside.append((follow, now))


def invoice_closed(change: Change, why: str = INVOICE_CLOSED) -> None:
    if change.order.left_units:
        change.raise_attention(why)
    change.fact("warned", why=why)


def hold_expired(change: Change, attempt_id: UUID) -> bool:
    """Records that a hold has expired; False where nothing is held by it any more, or a capture or
    void of ours is out: its own answer says the same."""
    order = change.order
    payment = order.paid_by()
    if order.stage is not Stage.AUTHORISED or order.capturing():
        return False
    if payment is None or payment.attempt_id != attempt_id:
        return False
    change.raise_attention(HOLD_EXPIRED)
    change.fact("warned", attempt_id, number=payment.attempt_no, why=HOLD_EXPIRED)
    return True
