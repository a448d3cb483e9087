"""What is said of an event that was sent to nobody and waits for nobody."""

from datetime import datetime

from recoup.store.read.deliveries import KEPT_MONTHS, may_be_dropped
from recoup.store.read.order_page import Row


def untold(event: Row, wall: datetime) -> str:
    """Empty for one that was sent, or waits to be."""
    if event["tries"] or event["waits"]:
        return ""
    if not event["fed"]:
        return "It is sent in a moment."
    if may_be_dropped(event["recorded_at"], wall):
        return f"Deliveries are kept for {KEPT_MONTHS} months; this event is older."
    return "No endpoint subscribes to it."
