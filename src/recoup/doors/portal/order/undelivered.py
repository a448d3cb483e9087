"""Why an event has no delivery."""

from datetime import datetime

from recoup.kernel.sentence import Sentence
from recoup.store.messages.deliveries import KEPT_MONTHS, may_be_dropped
from recoup.store.orders.order_page_rows import PageEvent


def why_undelivered(event: PageEvent, wall: datetime) -> str:
    """Empty for an event that was sent or waits to be sent."""
    if event.tries or event.waits:
        return ""
    if not event.fed:
        return "It is sent in a moment."
    if may_be_dropped(event.recorded_at, wall):
        return Sentence("Deliveries are kept for {0} months; this event is older.", KEPT_MONTHS)
    return "No endpoint subscribes to it."
