"""Refunds: what they add to places below them."""

from typing import Final

from recoup.kernel.feature import Feature
from recoup.refunds.flows.limits import read_contexts
from recoup.refunds.moves.refund import give_back
from recoup.rescue.flows.locked import READS
from recoup.rescue.moves.by_merchant import GIVE_BACK

REFUNDS: Final = Feature(name="refunds", adds=(READS(read_contexts), GIVE_BACK(give_back)))
