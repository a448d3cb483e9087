"""The words that the list and its files share."""

from typing import Final

from recoup.rules.order.faces import STATUS_NAMES
from recoup.rules.stable.channels import CHANNELS

_SHOWN: Final = {5: "Capture required"}
STATUS_WORDS: Final[dict[int, str]] = {code: _SHOWN.get(code, name) for code, name in STATUS_NAMES.items()}


def channel_word(order_type: str, source: str) -> str:
    if order_type == "CIT":
        return "CIT phone" if source == "callcenter" else "CIT web"
    return "On-chain" if order_type == "STABLE" else order_type


def way_of(order_type: str, source: str) -> str:
    """The way of a stablecoin payment, empty until its payer chose one; all others are cards."""
    if order_type != "STABLE":
        return "Card"
    return CHANNELS[source].name if source in CHANNELS else source
