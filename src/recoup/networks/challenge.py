"""Faults of a declined payment that a customer can mend, and how often we ask."""

from datetime import timedelta
from typing import Final

from recoup.networks.codes import Reading

# reason -> what the hosted page asks for
_ASKS: Final = {
    "sca_required": "confirm", "bad_cvv": "code", "bad_address": "address",
    "invalid_number": "card",
    "expired_card": "card", "card_update_available": "card", "closed_or_invalid_account": "card",
    "bad_pin": "card",
}  # fmt: skip
PURPOSE: Final = "challenge"  # of the attempts that a customer makes on the page
# Another card, or a better day, may pay it; whoever reported a card stolen or ended an agreement
# gets no link.
_BY_LINK: Final = frozenset(_ASKS) | {
    "insufficient_funds",
    "limit_exceeded",
    "do_not_honor",
    "call_issuer",
    "issuer_unavailable",
    "restricted",
    "network_blocked",
}
TRIES_MAX: Final = 3
WINDOW: Final = timedelta(
    minutes=15
)  # for a customer at the checkout; a link to a managed MIT's lasts as its order


def asks_of(reading: Reading) -> str | None:
    """confirm, code, address or card; None for what no customer can mend."""
    return None if reading.terminal else _ASKS.get(reading.reason)


def link_asks_of(reading: Reading) -> str | None:
    """The question to ask, as `asks_of`, where the merchant sends links: also what another card
    pays, after a hard decline too."""
    return asks_of(reading) or ("card" if reading.reason in _BY_LINK else None)
