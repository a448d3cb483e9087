"""Which codes say that a customer has stopped payments at the bank, whatever the card's scheme. Pure."""

from datetime import date
from typing import Final

from recoup.rules.network.codes import code_of, read_decline
from recoup.rules.network.limits import STOP_CODES

_ANY_DAY: Final = date(2026, 1, 1)  # these codes have meant the same since they came


def is_revoked(source: str | None, code: str | None) -> bool:
    """Of a payment whose scheme is not known."""
    reading = read_decline(scheme="generic", code=code_of(source, code), on=_ANY_DAY)
    return reading.code in STOP_CODES
