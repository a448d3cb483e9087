"""Refunds: what they add to places below them."""

from typing import Final

from recoup.kernel.feature import Feature
from recoup.orders.rules.attention import ATTENTION, BY_HAND, CAPTURES, DESK, Attention
from recoup.refunds.flows.limits import read_contexts
from recoup.refunds.moves.elsewhere import CAPTURE_FAILED, HOLD_EXPIRED
from recoup.refunds.moves.refund import give_back
from recoup.refunds.moves.send import REFUND_FAILED
from recoup.rescue.flows.locked import READS
from recoup.rescue.moves.by_merchant import GIVE_BACK

_REASONS: Final = (
    Attention(
        REFUND_FAILED,
        "A refund that was made has failed at the processor: the customer did not get the money.",
        *BY_HAND,
        by_people=True,
    ),
    Attention(
        CAPTURE_FAILED,
        "The capture failed at the processor: the money was not taken, and the order is not paid.",
        "Find out why at the processor; if the amount is still owed, charge it as a new order.",
        DESK,
        by_people=True,
    ),
    Attention(
        HOLD_EXPIRED,
        "The processor says that this hold has expired: what was not captured cannot be taken any "
        "more.",
        "Cancel the order; if the amount is still owed, charge it as a new order.",
        CAPTURES,
        by_people=True,
    ),
)
REFUNDS: Final = Feature(
    name="refunds",
    adds=(
        READS(read_contexts),
        GIVE_BACK(give_back),
        *map(ATTENTION, _REASONS),
    ),
)
