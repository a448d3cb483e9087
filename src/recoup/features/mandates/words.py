"""What receivers of events and people are told of a revoked mandate."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from recoup.core.kit.feature import Notice
from recoup.rules.languages.locale import Locale
from recoup.rules.messages.event_data import OrderData
from recoup.rules.messages.events import EventKind
from recoup.rules.messages.notification_words import Facts, Notified, of_order
from recoup.rules.messages.notifications import ALL, Kind


class MandateRevoked(OrderData, frozen=True, kw_only=True):
    scope: Annotated[
        Literal["payment", "agreement", "all"],
        Meta(
            description="what was revoked: `payment` and `agreement` end orders of the same agreement and card, `all` "
            "each order with that card that you start"
        ),
    ]
    response_code: Annotated[str, Meta(description="R0, R1, R3, or MAC 21")]
    subscription_id: Annotated[str | None, Meta(description="your id of the agreement, if you named it")] = None
    revoked_at: datetime


def _of(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "scope": body["scope"],
        "response_code": body["code"],
        "subscription_id": body["subscription"],
        "revoked_at": body["at"],
    }


EVENT: Final = EventKind(
    "mandate.revoked",
    True,
    MandateRevoked,
    "The customer revoked the mandate at the bank. Its open orders end, and so do later ones.",
    _of,
)
_REVOKED: Final = {
    "payment": "A customer has stopped a payment at the bank",
    "agreement": "A customer has revoked a mandate at the bank",
    "all": "A customer has revoked all mandates at the bank",
}


def _mandate(facts: Facts, to: Locale) -> Notified:
    lines = [f"{of_order(facts, to)} {to.say('The bank’s code: {code}.', code=facts['code'])}"]
    if facts.get("subscription"):
        lines.append(to.say("Agreement {name}.", name=facts["subscription"]))
    lines.append(to.say("Its open orders end, and so do later ones, until the customer agrees anew."))
    return to.say(_REVOKED[facts["scope"]]), lines, "/mandates"


NOTICE: Final = Notice(
    Kind(
        "mandate",
        "Revoked mandates",
        "a customer stopped payments at the bank; orders of the same agreement end",
        ALL,
        mail=False,
        routine=True,
    ),
    _mandate,
)
