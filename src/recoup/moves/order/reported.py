"""What a processor reports of a payment that counts as made, for people to decide. No stage goes back."""

from uuid import UUID

from recoup.moves.change import Change
from recoup.rules.order.attention import FRAUD_WARNED, HOLD_EXPIRED, INVOICE_CLOSED
from recoup.rules.order.lifecycle import Stage


def fraud_reported(change: Change, warning_id: UUID, attempt_id: UUID) -> None:
    """The card's issuer says so: the merchant charges the card no more. Under the card's lock. The same warning again
    blocks nothing twice."""
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


def invoice_closed(change: Change) -> None:
    if change.order.left_units:
        change.raise_attention(INVOICE_CLOSED)
    change.fact("warned", why=INVOICE_CLOSED)


def hold_expired(change: Change, attempt_id: UUID) -> bool:
    """False where nothing is held by it any more, or a capture or void of ours is out: its own answer says the same."""
    order = change.order
    payment = order.paid_by()
    if order.stage is not Stage.AUTHORISED or order.capturing() is not None:
        return False
    if payment is None or payment.attempt_id != attempt_id:
        return False
    change.raise_attention(HOLD_EXPIRED)
    change.fact("warned", attempt_id, number=payment.attempt_no, why=HOLD_EXPIRED)
    return True
