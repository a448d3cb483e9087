"""Another card takes an order's first one's place."""

from typing import NamedTuple
from uuid import UUID

from recoup.moves.change import Change


class NewCard(NamedTuple):
    """`card_id` is what the network gate counts by, `pan_id` which number it is."""

    token_id: UUID
    card_id: UUID
    pan_id: UUID


def swap_card(change: Change, card: NewCard) -> None:
    """The gate looks at the new card's sends from here on; the card before is remembered."""
    order = change.order
    if order.card_id is not None and order.card_id != card.card_id and order.card_id not in order.cards_before:
        change.amend(cards_before=[*order.cards_before, order.card_id])
    change.fact("card_replaced", card.token_id, another=card.pan_id != order.pan_id)
    change.amend(token_id=card.token_id, card_id=card.card_id, pan_id=card.pan_id)
