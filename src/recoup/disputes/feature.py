"""Disputes: what they add to places below them."""

from typing import Final

from recoup.disputes.moves.case import (
    ACCOUNTS,
    ANSWER_DELAYED,
    ANSWER_REFUSED,
    DISPUTE_WON,
    DISPUTED,
    REASON_UNKNOWN,
    REFUNDED_BEFORE,
    dispute_fee,
    dispute_fee_charged,
    dispute_fee_returned,
)
from recoup.disputes.moves.disputed import REFUND_NOT_SENT, reversal_netted, reversal_owed_again
from recoup.kernel.feature import Feature
from recoup.orders.rules.attention import ATTENTION
from recoup.orders.rules.ledger import ACCOUNT, RECIPE

_REASONS: Final = (REFUNDED_BEFORE, REFUND_NOT_SENT, REASON_UNKNOWN, ANSWER_DELAYED, ANSWER_REFUSED)
_RECIPES: Final = (
    DISPUTED, DISPUTE_WON, dispute_fee, dispute_fee_charged, dispute_fee_returned, reversal_netted, reversal_owed_again,
)  # fmt: skip
DISPUTES: Final = Feature(
    name="disputes",
    adds=(
        *map(ATTENTION, _REASONS),
        ACCOUNT(ACCOUNTS),
        *map(RECIPE, _RECIPES),
    ),
)
