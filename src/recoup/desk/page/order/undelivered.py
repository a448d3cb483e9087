"""Reasons why an event has no delivery."""

from datetime import datetime

from recoup.kernel.problem import Sentence
from recoup.orders.store.order_page_rows import PageEvent
from recoup.webhooks.store.deliveries import KEPT_MONTHS, may_be_dropped


def why_undelivered(event: PageEvent, wall: datetime, *, cut: bool = False) -> str:
    """Empty for an event that was sent or waits to be sent. `cut`: of the order's many tries not
    all were read."""
    if event.tries or event.waits:
        return ""
    if event.waits is None or cut:
        return "Its deliveries are not shown here."
    if not event.fed:
        return "It is sent in a moment."
    if may_be_dropped(event.recorded_at, wall):
        return Sentence("Deliveries are kept for {0} months; this event is older.", KEPT_MONTHS)
    return "No endpoint subscribes to it."


def why_undelivered_then(
    event: PageEvent, until: datetime, wall: datetime, *, cut: bool = False
) -> str:
    """The same of a past moment, by all tries that are kept: who subscribed then is not known, nor
    who does matters."""
    if any(attempt.at <= until for attempt in event.tries):
        return ""
    if event.tries:
        return Sentence(
            "Its first delivery attempt came later: {0}.",
            min(attempt.at for attempt in event.tries),
        )
    if cut:
        return "Its deliveries are not shown here."
    if may_be_dropped(event.recorded_at, wall):
        return Sentence("Deliveries are kept for {0} months; this event is older.", KEPT_MONTHS)
    return "No delivery is on record; the endpoints subscribed at the time are not stored."
