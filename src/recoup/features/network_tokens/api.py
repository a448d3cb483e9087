"""The switch of network tokens, at the doors."""

from typing import Final

from recoup.features.network_tokens.words import DID, MISSING, PAGE
from recoup.flows.merchants.card_switches import CardSwitch

SWITCH: Final = CardSwitch(
    "network_tokens",
    "order.network_tokens",
    usual=False,
    offered=lambda world: bool(world.token_services),
    missing=MISSING,
    did=DID,
    page=PAGE,
    option=("network-tokens", "Have network tokens made for cards, and charge by them."),
    meaning="Make a network token for each card with a further attempt, and charge by it.",
    example={"networkTokens": True},
)
