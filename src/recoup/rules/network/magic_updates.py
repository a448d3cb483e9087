"""The sandbox's account updater: which script cards it knows something of. Pure.

The serial number of a script card selects its answer: 901 another number, which approves; 902 the same number with a
later expiry; 903 the account is closed; 904 the cardholder is to be contacted; 905 no answer. It knows nothing of any
other card.
"""

from typing import Final, Literal, NamedTuple

from recoup.rules.network.magic import classify, script_card

# of the account updater
NEW_NUMBER, NEW_EXPIRY, CLOSED, CONTACT, SILENT = 901, 902, 903, 904, 905
UPDATES: Final = {
    NEW_NUMBER: "the account updater knows a new number, which approves",
    NEW_EXPIRY: "the account updater knows the same number, four years later",
    CLOSED: "the account updater says that the account is closed",
    CONTACT: "the account updater advises contacting the customer",
    SILENT: "the account updater does not answer",
}
# of the service of network tokens
NO_TOKEN, NO_ANSWER, SUSPENDED, DELETED, REFRESHED, NO_CRYPTOGRAM = 911, 912, 913, 914, 915, 916
TOKENS: Final = {
    NO_TOKEN: "no network token is made for it",
    NO_ANSWER: "the service of network tokens does not answer",
    SUSPENDED: "its network token is suspended: a charge by it is refused unprocessed",
    DELETED: "its network token is deleted: a charge by it is declined with 14",
    REFRESHED: "its network token has four more years when it is asked about",
    NO_CRYPTOGRAM: "no cryptogram is given for its network token",
}


State = Literal["updated", "unchanged", "closed", "contact", "unknown"]
_STATES: Final[dict[int, State]] = {
    NEW_NUMBER: "updated", NEW_EXPIRY: "updated", CLOSED: "closed", CONTACT: "contact", SILENT: "unknown",
}  # fmt: skip
_SERIAL_DIGITS: Final = {"visa": 5, "mastercard": 5, "discover": 5, "amex": 3}
_YEARS: Final = 4


class Update(NamedTuple):
    """`number` None: as it was."""

    state: State
    number: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None


def update_of(number: str, exp_month: int, exp_year: int) -> Update:
    """The new expiry lies four years after the old one."""
    card = classify(number)
    if card is None or card.kind != "script":
        return Update("unchanged")
    serial = int(number[-1 - _SERIAL_DIGITS[card.scheme] : -1])
    state = _STATES.get(serial, "unchanged")
    if state != "updated":
        return Update(state)
    new = (
        script_card(card.scheme, "116" if card.scheme == "amex" else "51", 0, serial) if serial == NEW_NUMBER else None
    )
    return Update("unchanged") if new == number else Update(state, new, exp_month, exp_year + _YEARS)
