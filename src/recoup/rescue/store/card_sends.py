"""The sends of an order's card, over all merchants, as the networks count them. Whose they were is
for counting."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from recoup.cards.store.joined_cards import SAME_CARDS
from recoup.db.statement import HUB, MERCHANT, Read, Row
from recoup.networks.limits import Send
from recoup.orders.store.rows import ListedOrder
from recoup.rescue.store.evidence import CLAIMS_READ, SENDS_READ


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
    """The card of an order; None for an order without one."""


@HUB.statement(f"""
SELECT at, units, currency, initiator, acceptor_id, merchant_id::text, state, declined,
  visa_category,
  advice_code AS advice, scheme_code AS code, klass, claimed, network_attempts, false AS lifted
FROM {SAME_CARDS.format("$1::uuid")} same CROSS JOIN unnest(same.cards) AS c (card_id)
  CROSS JOIN LATERAL (
  (SELECT * FROM network_sends WHERE card_id = c.card_id AND NOT claimed AND state <> 'not_sent'
    AND at > $3
    ORDER BY at DESC LIMIT {SENDS_READ})
  UNION ALL (SELECT * FROM network_sends WHERE card_id = c.card_id AND claimed AND merchant_id = $2
    AND state <> 'not_sent' AND at > $3 ORDER BY at DESC LIMIT {CLAIMS_READ})) s
""")
async def sends_of_card(db: Read, card_id: UUID, merchant_id: UUID, since: datetime) -> list[Send]:
    """Everybody's, and of those that only a merchant says were sent this one's."""


class OrderOfCard(ListedOrder):
    status: int
    attempts: int


@MERCHANT.statement("""
SELECT o.order_id, o.external_id, o.placed_at, h.units, h.asset, h.status, h.attempts FROM orders o
JOIN order_heads h ON h.merchant_id = o.merchant_id AND h.order_id = o.order_id
JOIN orders own ON own.merchant_id = o.merchant_id AND own.order_id = $2
WHERE o.merchant_id = $1 AND o.pan_id::text = own.pan_id::text
  AND (own.card_id = own.pan_id OR o.card_id = own.card_id)
    -- of a test card each order has its own
ORDER BY o.placed_at DESC LIMIT $3
""")
async def orders_of_card(
    db: Read, merchant_id: UUID, order_id: UUID, limit: int
) -> list[OrderOfCard]:
    """Orders of the merchant with the card number of this one, the newest first."""


class CardChange(Row, frozen=True):
    order_id: UUID
    external_id: str
    at: datetime
    last4: str


@MERCHANT.statement("""
SELECT l.order_id, o.external_id, l.business_at AS at, coalesce(l.body ->> 'last4', '') AS last4
  FROM order_log l
JOIN orders o USING (merchant_id, order_id)
WHERE l.merchant_id = $1 AND l.order_id = ANY($2) AND l.happening = 'card_replaced'
ORDER BY l.business_at DESC LIMIT $3
""")
async def changes_of_card(
    db: Read, merchant_id: UUID, order_ids: Sequence[UUID], limit: int
) -> list[CardChange]:
    """Times at which another card, or a newer one, took its place in these orders."""
