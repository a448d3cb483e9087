"""The sandbox's account updater: which script cards it knows something of. Pure.

The serial number of a script card selects its answer: 901 another number, which approves; 902 the
same number with a later expiry; 903 the account is closed; 904 the cardholder is to be contacted;
905 no answer. It knows nothing of any other card.
"""

from typing import Final, Literal, NamedTuple

from recoup.networks.magic import classify, script_card
from recoup.networks.magic_serials import CLOSED, CONTACT, NEW_EXPIRY, NEW_NUMBER, SILENT

State = Literal["updated", "unchanged", "closed", "contact", "unknown"]
_STATES: Final[dict[int, State]] = {
    NEW_NUMBER: "updated", NEW_EXPIRY: "updated", CLOSED: "closed", CONTACT: "contact",
    SILENT: "unknown",
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
        script_card(card.scheme, "116" if card.scheme == "amex" else "51", 0, serial)
        if serial == NEW_NUMBER
        else None
    )
    return (
        Update("unchanged") if new == number else Update(state, new, exp_month, exp_year + _YEARS)
    )
