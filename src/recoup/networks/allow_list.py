"""The sandbox's documented cards, which the contract lists; `magic` says what each answers."""

from typing import Final

PHONE_CARD: Final = "4111111111111111"
APPROVE_CARDS: Final = (PHONE_CARD, "4000002760003184", "51002600235851")
