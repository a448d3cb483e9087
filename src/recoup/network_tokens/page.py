"""Portal text about a card's network token, and about an attempt that was sent with it."""

from typing import Final
from uuid import UUID

from recoup.db.statement import Read
from recoup.network_tokens.store import token_of_order
from recoup.people.page.feature_parts import InPlaceWords, Panel, PortalPart, Shown
from recoup.people.page.timeline_entry import plain


async def _of_card(db: Read, merchant_id: UUID, order_id: UUID) -> Shown:
    """The network token of an order's card; None where the card has none."""
    token = await token_of_order(db, merchant_id, order_id)
    return {"token": token} if token is not None else None


PORTAL: Final = PortalPart(
    card=Panel("network_tokens/card.html", _of_card),
    in_place=InPlaceWords(
        "network_tokens/attempt.html",
        plain(
            "{attempt} sent",
            "On route {route}, by the card’s network token.",
            "right",
            "run",
            "attempts",
        ),
    ),
)
