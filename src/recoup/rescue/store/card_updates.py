"""Queries to the account updater and its answers: a card once in a while, however many orders it
has. And the orders that a card's signal is about, over all merchants."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.cards.store.joined_cards import SAME_CARDS
from recoup.db.statement import HUB, MERCHANT, Read, Row, Tx
from recoup.rescue.rules.card_update import Answer

_COLUMNS = "update_id, token_id, requested_at, answer, new_token_id"


class CardUpdateRow(Row, frozen=True):
    """`update_id`: of the query. `token_id`: the card that it was about. `answer` None: not known
    yet."""

    update_id: UUID
    token_id: UUID
    requested_at: datetime
    answer: Answer | None
    new_token_id: UUID | None


@MERCHANT.statement(f"""
INSERT INTO card_updates AS u (merchant_id, pan_id, token_id, update_id, requested_at)
  VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, pan_id) DO UPDATE SET token_id = excluded.token_id,
  update_id = excluded.update_id,
  requested_at = excluded.requested_at, answer = NULL, new_token_id = NULL, answered_at = NULL
WHERE u.requested_at <= $6 OR u.answer = 'unknown' AND u.requested_at <= $7
RETURNING {_COLUMNS}
""")
async def claim_update(
    db: Tx,
    merchant_id: UUID,
    pan_id: UUID,
    token_id: UUID,
    update_id: UUID,
    now: datetime,
    before: datetime,
    unknown_before: datetime,
) -> CardUpdateRow | None:
    """A new query; None where one was made since `before`, or since `unknown_before` without an
    answer."""


@MERCHANT.statement(f"SELECT {_COLUMNS} FROM card_updates WHERE merchant_id = $1 AND pan_id = $2")
async def find_update(db: Read, merchant_id: UUID, pan_id: UUID) -> CardUpdateRow | None: ...


@MERCHANT.statement("""
UPDATE card_updates SET answer = $4, new_token_id = $5, answered_at = $6
WHERE merchant_id = $1 AND pan_id = $2 AND update_id = $3 AND answer IS NULL
""")
async def keep_answer(
    db: Tx,
    merchant_id: UUID,
    pan_id: UUID,
    update_id: UUID,
    answer: Answer,
    new_token_id: UUID | None,
    now: datetime,
) -> None:
    """Keeps an answer, once. Business time."""


_SENDS_READ: Final = 200  # of each card, the newest
ORDERS_MAX: Final = 20


class OrderOfCard(Row, frozen=True):
    merchant_id: UUID
    order_id: UUID


# What came in counts as a send, so an order whose card is known to the networks' limits has one.
@HUB.statement(f"""
SELECT DISTINCT s.merchant_id, s.order_id FROM unnest($1::uuid[]) AS named (card_id)
CROSS JOIN LATERAL {SAME_CARDS.format("named.card_id")} same
  CROSS JOIN unnest(same.cards) AS c (card_id)
CROSS JOIN LATERAL (SELECT merchant_id, order_id FROM network_sends WHERE card_id = c.card_id
  AND NOT imported
  ORDER BY send_id DESC LIMIT {_SENDS_READ}) s
WHERE s.order_id IS NOT NULL
""")
async def orders_of_cards(db: Read, cards: Sequence[UUID]) -> list[OrderOfCard]:
    """Open or not."""


async def with_a_plan(db: Read, orders: Sequence[OrderOfCard]) -> list[OrderOfCard]:
    """Oldest of these orders whose next attempt is planned, at most ORDERS_MAX."""
    return await _with_a_plan(
        db, [order.merchant_id for order in orders], [order.order_id for order in orders]
    )


@MERCHANT.statement(f"""
SELECT DISTINCT a.merchant_id, a.order_id FROM unnest($1::uuid[], $2::uuid[]) AS k (merchant_id,
  order_id)
JOIN attempts a ON a.merchant_id = k.merchant_id AND a.order_id = k.order_id AND a.state = 'planned'
ORDER BY a.order_id LIMIT {ORDERS_MAX}
""")
async def _with_a_plan(
    db: Read, merchants: Sequence[UUID], orders: Sequence[UUID]
) -> list[OrderOfCard]: ...
