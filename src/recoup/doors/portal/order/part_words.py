"""Captures in parts, and money that came back, in the order log, in plain words."""

from collections.abc import Callable, Mapping
from typing import Final

from recoup.doors.portal.order.timeline_entry import LogContext, TimelineEntry
from recoup.doors.portal.order.timeline_entry import plain as _plain

SAY: Final[Mapping[str, Callable[[LogContext], TimelineEntry]]] = {
    "part_captured": _plain("Captured in part: {amount}", "The rest stays authorised.", "completed", "ok", "money"),
    "capture_ended": _plain(
        "Captured in parts: {amount}", "What was not captured is released.", "completed", "ok", "money"
    ),
    "capture_failed": _plain(
        "The capture of {amount} has failed since",
        "The processor says that the money was not taken after all; the operator looks at it.",
        "problem",
        "bad",
        "money",
    ),
    "refund_failed": _plain(
        "Refund of {amount} has failed since",
        "It had been made, and came back to the processor: the customer is owed it again.",
        "problem",
        "bad",
        "money",
    ),
    "refund_due_again": _plain(
        "Refund of {amount} waits for a person",
        "It is sent again under another number, paid another way, or closed, under Refunds.",
        "note",
        "warn",
        "money",
    ),
    "reversal_failed": _plain(
        "Return of {amount} has failed since",
        "It had been made, and came back to the processor: the customer is owed it again.",
        "problem",
        "bad",
        "money",
    ),
    "reversal_due_again": _plain(
        "Return of {amount} waits for a person",
        "It is sent again under another number, or paid another way, under Refunds.",
        "note",
        "warn",
        "money",
    ),
}
