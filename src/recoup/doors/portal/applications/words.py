"""The words of applications, the same on every page."""

from typing import Final

from recoup.doors.portal.words import State

STATES: Final = {
    "DRAFT": State("Draft", "off", "draft", "It can be edited; nobody else looks at it."),
    "SUBMITTED": State("Submitted", "hold", "onhold", "The operator decides."),
    "APPROVED": State("Approved", "run", "processing", "It can be made a merchant."),
    "DECLINED": State("Declined", "prob", "problem", "The operator said no; the reason stands below."),
    "CANCELLED": State("Cancelled", "off", "cancelled", "This is an end."),
    "CONVERTED": State("Merchant", "ok", "completed", "Its merchant exists."),
}
HAPPENINGS: Final = {
    "created": "Begun", "changed": "Edited", "document_added": "Document added", "document_removed": "Document removed",
    "submitted": "Submitted", "approved": "Approved", "declined": "Declined", "cancelled": "Cancelled",
    "converted": "Made a merchant",
}  # fmt: skip
