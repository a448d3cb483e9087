"""The sends of an order's card, over all merchants, as the networks count them. Whose they were is for counting."""

from datetime import datetime
from uuid import UUID

from recoup.rules.network.limits import Send
from recoup.store.cards.joined_cards import SAME_CARDS
from recoup.store.orders.evidence import CLAIMS_READ, SENDS_READ
from recoup.store.statement import HUB, MERCHANT, Read, Row


class OrderCard(Row, frozen=True):
    """`region` and `acceptor_id`: its merchant's."""

    card_id: UUID | None
    scheme: str
    region: str
    acceptor_id: str


@MERCHANT.statement("""
SELECT o.card_id, v.scheme, m.region, m.acceptor_id FROM orders o
JOIN merchants m ON m.merchant_id = o.merchant_id
JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
WHERE o.merchant_id = $1 AND o.order_id = $2
""")
async def card_of_order(db: Read, merchant_id: UUID, order_id: UUID) -> OrderCard | None:
    """None for an order without a card."""


@HUB.statement(f"""
SELECT at, units, currency, initiator, acceptor_id, merchant_id::text, state, declined, visa_category,
  advice_code AS advice, scheme_code AS code, klass, claimed, network_attempts, false AS lifted
FROM {SAME_CARDS.format("$1::uuid")} same CROSS JOIN unnest(same.cards) AS c (card_id) CROSS JOIN LATERAL (
  (SELECT * FROM network_sends WHERE card_id = c.card_id AND NOT claimed AND state <> 'not_sent' AND at > $3
    ORDER BY at DESC LIMIT {SENDS_READ})
  UNION ALL (SELECT * FROM network_sends WHERE card_id = c.card_id AND claimed AND merchant_id = $2
    AND state <> 'not_sent' AND at > $3 ORDER BY at DESC LIMIT {CLAIMS_READ})) s
""")
async def sends_of_card(db: Read, card_id: UUID, merchant_id: UUID, since: datetime) -> list[Send]:
    """Everybody's, and of those that only a merchant says were sent this one's."""
