"""What people are told of settlement addresses, in the log of acts and in notifications."""

from datetime import datetime
from typing import Final

from recoup.rules.languages.locale import Locale
from recoup.rules.messages.notification_words import Facts, Notice, Notified
from recoup.rules.messages.notifications import Kind

PATH: Final = "/settlement-addresses"
AUDITS: Final = {
    "settlement_address.approved": "approved a settlement address",
    "settlement_address.entered": "entered a settlement address",
    "settlement_address.withdrawn": "withdrew a settlement address",
}
_TITLES: Final = {
    "entered": "A settlement address was entered",
    "approved": "A settlement address was approved",
    "withdrawn": "A settlement address was withdrawn",
}


def _changed(facts: Facts, to: Locale) -> Notified:
    lines = [facts["address"]]
    if facts["did"] == "approved":
        when = to.moment(datetime.fromisoformat(facts["holds_from"]))
        lines.append(to.say("New orders settle to it from {when} on.", when=when))
    elif facts["did"] == "entered":
        lines.append(to.say("If it is not yours, withdraw it now."))
    return to.say(_TITLES[facts["did"]]), lines, PATH


def _waits(facts: Facts, to: Locale) -> Notified:
    return to.say("A settlement address waits for approval"), [facts["address"]], PATH


NOTICES: Final = (
    Notice(
        Kind(
            "settlement_address",
            "Settlement addresses",
            "a wallet for stablecoins was entered, approved or withdrawn",
            frozenset({"owner", "operations"}),
        ),
        _changed,
    ),
    Notice(
        Kind(
            "address_approval",
            "Settlement addresses to approve",
            "a merchant’s wallet waits for the operator’s approval",
            frozenset(),
        ),
        _waits,
    ),
)
