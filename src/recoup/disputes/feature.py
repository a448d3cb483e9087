"""Disputes: what they add to places below them."""

from typing import Final

from recoup.disputes.moves.case import ANSWER_DELAYED, ANSWER_REFUSED, REASON_UNKNOWN, REFUNDED_BEFORE
from recoup.disputes.moves.disputed import REFUND_NOT_SENT
from recoup.kernel.feature import Feature
from recoup.orders.rules.attention import ATTENTION

_REASONS: Final = (REFUNDED_BEFORE, REFUND_NOT_SENT, REASON_UNKNOWN, ANSWER_DELAYED, ANSWER_REFUSED)
DISPUTES: Final = Feature(name="disputes", adds=tuple(map(ATTENTION, _REASONS)))
