"""Notices of processors: what they add to places below them."""

from typing import Final

from recoup.kernel.feature import Feature
from recoup.notices.moves import FRAUD_WARNED, INVOICE_CLOSED, INVOICE_LEFT
from recoup.orders.rules.attention import ATTENTION, DESK, Attention

_REASONS: Final = (
    Attention(
        FRAUD_WARNED,
        "The card's issuer reports this payment as fraud: a dispute may follow, and the card is "
        "not charged again.",
        "Refund it, unless the customer confirms the payment; a refund in time may spare the "
        "dispute.",
        DESK,
        by_people=True,
        while_paid=True,
    ),
    Attention(
        INVOICE_CLOSED,
        "Paid, and its invoice was closed at the processor without this payment.",
        "Reopen or credit the invoice at the processor, or refund this payment.",
        DESK,
        by_people=True,
        while_paid=True,
    ),
    Attention(
        INVOICE_LEFT,
        "Its customer has paid the same by another invoice; this one stays open at the processor.",
        "Void the invoice at the processor, or let it charge that too.",
        DESK,
        by_people=True,
    ),
)
NOTICES: Final = Feature(name="notices", adds=tuple(map(ATTENTION, _REASONS)))
