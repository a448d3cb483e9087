"""What disputes are called, on every page."""

from recoup.doors.portal.order.dispute_words import reason_words
from recoup.doors.portal.words import DISPUTE_KINDS, DISPUTE_STAGES, DISPUTE_STATES

__all__ = ["DISPUTE_KINDS", "DISPUTE_STAGES", "DISPUTE_STATES", "reason_words"]
