"""Refunds: what they add to places below them."""

from typing import Final

from recoup.kernel.feature import Feature
from recoup.orders.rules.attention import ATTENTION
from recoup.refunds.flows.limits import read_contexts
from recoup.refunds.moves.elsewhere import CAPTURE_FAILED, HOLD_EXPIRED
from recoup.refunds.moves.refund import give_back
from recoup.refunds.moves.send import REFUND_FAILED
from recoup.rescue.flows.locked import READS
from recoup.rescue.moves.by_merchant import GIVE_BACK

REFUNDS: Final = Feature(
    name="refunds",
    adds=(
        READS(read_contexts),
        GIVE_BACK(give_back),
        *map(ATTENTION, (REFUND_FAILED, CAPTURE_FAILED, HOLD_EXPIRED)),
    ),
)
