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
from recoup.orders.rules.attention import ATTENTION, DESK, OPERATOR, Attention
from recoup.orders.rules.ledger import ACCOUNT, RECIPE

_REASONS: Final = (
    Attention(
        REFUNDED_BEFORE,
        "Already refunded: the cardholder disputes what went back. Answer with the refund's "
        "reference.",
        "Answer the dispute with the refund's reference.",
        DESK,
    ),
    Attention(
        REASON_UNKNOWN,
        "The reason code of its dispute is on no list. No card is blocked before somebody has read "
        "it.",
        "Look its code up at the processor, then answer the dispute on its page.",
        DESK,
        by_people=True,
    ),
    Attention(
        ANSWER_DELAYED,
        "The answer to dispute {0} is sent until the processor hears it.",
        "It is sent until the processor accepts it; see the dispute's page.",
        OPERATOR,
    ),
    Attention(
        ANSWER_REFUSED,
        "The processor did not take the answer to dispute {0}.",
        "Answer the dispute again on its page.",
        DESK,
    ),
    Attention(
        REFUND_NOT_SENT,
        "A refund was not sent: the cardholder took the money back by a dispute first.",
        "Nothing: the cardholder has the money. The dispute's page shows how it ends.",
        DESK,
    ),
)
_RECIPES: Final = (
    DISPUTED, DISPUTE_WON, dispute_fee, dispute_fee_charged, dispute_fee_returned, reversal_netted,
    reversal_owed_again,
)  # fmt: skip
DISPUTES: Final = Feature(
    name="disputes",
    adds=(
        *map(ATTENTION, _REASONS),
        ACCOUNT(ACCOUNTS),
        *map(RECIPE, _RECIPES),
    ),
)
