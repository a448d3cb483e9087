"""Notices of processors: what they add to places below them."""

from typing import Final

from recoup.kernel.feature import Feature
from recoup.notices.moves import FRAUD_WARNED, INVOICE_CLOSED, INVOICE_LEFT
from recoup.orders.rules.attention import ATTENTION

NOTICES: Final = Feature(name="notices", adds=tuple(map(ATTENTION, (FRAUD_WARNED, INVOICE_CLOSED, INVOICE_LEFT))))
