"""The orders that a card's signal is about, over all merchants."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from recoup.store.cards.joined_cards import SAME_CARDS
from recoup.store.homes import HUB, MERCHANT
from recoup.store.statement import Read, Row

_SENDS_READ: Final = 200  # of each card, the newest
ORDERS_MAX: Final = 20


class OrderOfCard(Row, frozen=True):
    merchant_id: UUID
    order_id: UUID


# What came in counts as a send, so an order whose card is known to the networks' limits has one.
@HUB.statement(f"""
SELECT DISTINCT s.merchant_id, s.order_id FROM unnest($1::uuid[]) AS named (card_id)
CROSS JOIN LATERAL {SAME_CARDS.format("named.card_id")} same CROSS JOIN unnest(same.cards) AS c (card_id)
CROSS JOIN LATERAL (SELECT merchant_id, order_id FROM network_sends WHERE card_id = c.card_id AND NOT imported
  ORDER BY send_id DESC LIMIT {_SENDS_READ}) s
WHERE s.order_id IS NOT NULL
""")
async def orders_of_cards(db: Read, cards: Sequence[UUID]) -> list[OrderOfCard]:
    """Open or not."""


async def with_a_plan(db: Read, orders: Sequence[OrderOfCard]) -> list[OrderOfCard]:
    """Of these the oldest whose next attempt is planned, at most ORDERS_MAX."""
    return await _with_a_plan(db, [one.merchant_id for one in orders], [one.order_id for one in orders])


@MERCHANT.statement(f"""
SELECT DISTINCT a.merchant_id, a.order_id FROM unnest($1::uuid[], $2::uuid[]) AS k (merchant_id, order_id)
JOIN attempts a ON a.merchant_id = k.merchant_id AND a.order_id = k.order_id AND a.state = 'planned'
ORDER BY a.order_id LIMIT {ORDERS_MAX}
""")
async def _with_a_plan(db: Read, merchants: Sequence[UUID], orders: Sequence[UUID]) -> list[OrderOfCard]: ...
