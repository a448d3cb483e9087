"""The words of applications, the same on every page."""

from typing import Final

from recoup.doors.portal.words import State
from recoup.kernel.sentence import Sentence
from recoup.rules.merchants.form import DOCUMENTS

STATES: Final = {
    "DRAFT": State("Draft", "off", "draft", "It can be edited and is not yet submitted."),
    "SUBMITTED": State("Submitted", "hold", "onhold", "The operator decides."),
    "APPROVED": State("Approved", "run", "processing", "The merchant can be created."),
    "DECLINED": State("Declined", "prob", "problem", "The operator declined it; the reason is shown below."),
    "CANCELLED": State("Cancelled", "off", "cancelled", "This is final."),
    "CONVERTED": State("Merchant", "ok", "completed", "The merchant exists."),
}
HAPPENINGS: Final = {
    "created": "Started", "changed": "Edited", "document_added": "Document added",
    "document_removed": "Document removed",
    "submitted": "Submitted", "approved": "Approved", "declined": "Declined", "cancelled": "Cancelled",
    "converted": "Merchant created",
}  # fmt: skip
# The wire's name of a field -> its label on the page.
_LABELS: Final = {
    "LegalName": "Legal name", "Country": "Country", "RegistrationNumber": "Registration number",
    "BusinessCategory": "Merchant category code", "Contact.Name": "Contact: name", "Contact.Email": "Contact: e-mail",
    "Volumes.Currency": "Expected sales: currency", "Volumes.MonthlyAmount": "Expected sales: per month",
    "Kinds": "Order types", "Sites": "A site",
}  # fmt: skip
_OF_SITE: Final = {"Url": "address", "Name": "name", "Descriptor": "descriptor"}


def label_of(name: str) -> str:
    """As the page calls a field, or a document, that the wire calls `name`."""
    kind, _, inner = name.partition(".")
    if kind == "Documents":
        return Sentence("document: {0}", DOCUMENTS[inner])
    if kind.startswith("Sites["):
        return Sentence("Site {0}: {1}", int(kind[6:-1]) + 1, _OF_SITE[inner])
    return _LABELS[name]
