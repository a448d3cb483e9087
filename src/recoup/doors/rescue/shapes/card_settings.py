"""What is done for cards beside charging them. Source: decisions 0064, 0072."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from recoup.doors.rescue.wire import Shape


class CardSettingsBody(Shape, kw_only=True):
    """Missing fields stay unchanged."""

    card_updates: Annotated[
        bool | None,
        Meta(description="Query the account updater before a payment is given up for a wrong number or an old card."),
    ] = None
    network_tokens: Annotated[
        bool | None, Meta(description="Make a network token for each card with a further attempt, and charge by it.")
    ] = None
    other_cards: Annotated[
        bool | None,
        Meta(description="Try another card of the same customer where the order's own cannot be charged any more."),
    ] = None
    mid: Annotated[UUID | None, Meta(description="Optional; not used.")] = None


class CardSetting(Shape, kw_only=True):
    """One of them. `available`: a card route of this environment offers it."""

    on: bool
    available: Annotated[bool, Meta(description="Whether a card route of this environment offers it.")]


class CardSettings(Shape, kw_only=True):
    """What is done for this merchant's cards."""

    card_updates: CardSetting
    network_tokens: CardSetting
    other_cards: CardSetting
    success: bool = True
