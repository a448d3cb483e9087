"""Words on a revoked mandate for receivers of events and people."""

from typing import Final

from recoup.kit.languages.locale import Locale
from recoup.mandates.events import MandateRevoked, of
from recoup.notifications.rules.notification_words import Facts, of_order
from recoup.notifications.rules.notifications import ALL, Kind, Notice, Notified
from recoup.orders.rules.events import EventKind

EVENT: Final = EventKind(
    "mandate.revoked",
    True,
    MandateRevoked,
    "The customer revoked the mandate at the bank. Its open orders end, and so do later ones.",
    of,
)
ENDS: Final = {
    "payment": "Only this order ends.",
    "agreement": "Its other open orders end, and so do later ones, until the customer agrees anew.",
}
_REVOKED: Final = {
    "payment": "A customer has stopped a payment at the bank",
    "agreement": "A customer has revoked a mandate at the bank",
    "all": "A customer has revoked all mandates at the bank",
}


def _mandate(facts: Facts, to: Locale) -> Notified:
    lines = [f"{of_order(facts, to)} {to.say('The bank’s code: {code}.', code=facts['code'])}"]
    if facts.get("subscription"):
        lines.append(to.say("Agreement {name}.", name=facts["subscription"]))
    if facts["scope"] == "payment":
        lines.append(to.say(ENDS["payment"]))
    else:
        lines.append(
            to.say("Its open orders end, and so do later ones, until the customer agrees anew.")
        )
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
