"""Refunds: what they add to places below them."""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.flows.locked import READS
from recoup.flows.refunds.limits import read_contexts
from recoup.moves.attempt.by_merchant import GIVE_BACK
from recoup.moves.modification.refund import give_back

REFUNDS: Final = Feature(name="refunds", adds=(READS(read_contexts), GIVE_BACK(give_back)))
