"""Contacts by mail or SMS with a payer, with a link to pay: inside one budget, by day, and never
once unsubscribed. Pure.

Quiet hours hold in the whole of the payer's country, with and without summer time; the budget is of
one merchant.
"""

import re
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from recoup.kit.slots import westernmost
from recoup.kit.zones import easternmost

Channel = Literal["mail", "sms"]
_SET_APART: Final = re.compile(r"[\s().\-/\u00a0]+")
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{7,14}", re.ASCII)


def sms_number(phone: str) -> str:
    """`+` and the number; empty for one without its country's code, which nobody could complete
    safely."""
    bare = _SET_APART.sub("", phone)
    bare = f"+{bare[2:]}" if bare.startswith("00") else bare
    return bare if _NUMBER.fullmatch(bare) else ""


def way_of(*, address: bool, number: bool, earlier: int) -> Channel | None:
    """A mail first, since it costs nothing; by SMS where there is no address, and what follows an
    earlier link of the order. `number`: one to which an SMS may go. None: there is no way."""
    if number and (earlier or not address):
        return "sms"
    return "mail" if address else None


LINK: Final = "payment_link"  # the notice, and the switch that the merchant sets
CONTACTS: Final = frozenset({LINK, "challenge"})  # notices with a link to pay
ORDER_MAX: Final = 2
ADDRESS_MAX: Final = 4
WITHIN: Final = timedelta(days=30)
FROM_HOUR, UNTIL_HOUR = 8, 21
WITHHELD: Final[dict[str, str]] = {
    "ended": "The order no longer waits for its payer.",
    "unsubscribed": "The payer has unsubscribed from such messages.",
    "order_budget": "The payer has had two such messages for this order.",
    "payer_budget": "The payer has had four such messages within 30 days.",
}
_ELSEWHERE: Final = (
    -480,
    120,
)  # a country that is not known: day from California to Eastern Europe
_SUMMER: Final = timedelta(hours=1)
_STEP: Final = timedelta(minutes=15)


class Contacted(NamedTuple):
    """Earlier mails with a link: of this order, and to this address within `WITHIN`."""

    of_order: int
    of_address: int
    unsubscribed: bool


def why_withheld(notice: str, before: Contacted, *, waits: bool) -> str | None:
    """A key of `WITHHELD`; None: it may be sent. `waits`: the order still has a link that its payer
    can use."""
    if before.unsubscribed:
        return "unsubscribed"
    if notice != LINK:
        return None
    if not waits:
        return "ended"
    if before.of_order >= ORDER_MAX:
        return "order_budget"
    return "payer_budget" if before.of_address >= ADDRESS_MAX else None


def by_day(country: str, at: datetime) -> datetime:
    """Returns `at`, or the first quarter of an hour after it that is no quiet hour anywhere in the
    country."""
    west, east = westernmost(country), easternmost(country)
    if west is None or east is None:
        west, east = _ELSEWHERE
    if _is_day(at, west, east):
        return at
    slot = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0) + _STEP
    while not _is_day(slot, west, east):
        slot += _STEP
    return slot


def _is_day(at: datetime, west: int, east: int) -> bool:
    first, last = at + timedelta(minutes=west), at + timedelta(minutes=east) + _SUMMER
    return first.hour >= FROM_HOUR and last.hour < UNTIL_HOUR and first.date() == last.date()
