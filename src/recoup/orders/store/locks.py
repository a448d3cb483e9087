"""Locks in the one order they may be taken: orders, then cards. Sets are sorted, so that two never
cross.

What is read beside a lock is read in a later statement: a statement that waited for a lock still
sees the old rows of other tables.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import SerializationError

from recoup.db.statement import HUB, MERCHANT, Row, Tx, columns_of
from recoup.orders.rules.snapshot import LockedOrder, OrderColumns


@MERCHANT.statement(f"""
SELECT {columns_of(OrderColumns, "o", stage="s.stage", version="s.version", units="h.units")},
  o.token_id, o.card_id, o.pan_id,
  o.cards_before, h.created_at,
  h.status, h.order_type, h.source, h.refunded_units, h.disputed, h.attempts AS attempts_count,
    h.next_attempt_at,
  h.reason, h.attention
FROM orders o
JOIN order_states s USING (merchant_id, order_id)
JOIN order_heads h USING (merchant_id, order_id)
JOIN unnest($1::uuid[], $2::uuid[]) AS k (merchant_id, order_id) USING (merchant_id, order_id)
WHERE k.order_id = ANY (ARRAY[k.order_id])  -- true; see `write_changes`
ORDER BY o.merchant_id, o.order_id
FOR UPDATE OF o, s, h
""")
async def _lock_orders(
    db: Tx, merchants: Sequence[UUID], orders: Sequence[UUID]
) -> list[LockedOrder]: ...


async def lock_orders(db: Tx, keys: Sequence[tuple[UUID, UUID]]) -> list[LockedOrder]:
    """`keys`: (merchant_id, order_id). Unknown ones are left out."""
    return await _lock_orders(db, [k[0] for k in keys], [k[1] for k in keys])


async def lock_cards(db: Tx, card_ids: Sequence[UUID], at: datetime) -> dict[UUID, UUID]:
    """Locks each card's row, or that of the card that it is joined to; answers whose. A card that
    was never sent before gets a row: until the transaction ends nobody else sees or makes it, so
    that making it is locking it.

    Raises: SerializationError where a card was joined to another meanwhile; see `retrying`.
    """
    locked = await _lock_cards(db, card_ids)
    missing = set(card_ids).difference(row.card_id for row in locked)
    if missing:
        made = await _make_cards(db, list(missing), at)
        if len(made) < len(missing):  # another transaction was quicker with one of them
            locked = await _lock_cards(db, card_ids)
        else:
            locked += [_LockedCard(card_id, card_id, is_joined=False) for card_id in made]
    if any(row.is_joined for row in locked):
        raise SerializationError("a card was joined to another meanwhile")
    return {row.card_id: row.head_id for row in locked}


class _LockedCard(Row):
    """`head_id`: whose row is locked; `is_joined`: it is joined to another by now."""

    card_id: UUID
    head_id: UUID
    is_joined: bool


@HUB.statement("""
SELECT c.card_id, h.card_id AS head_id, h.joined_to IS NOT NULL AS is_joined FROM cards c
JOIN cards h ON h.card_id = coalesce(c.joined_to, c.card_id)
WHERE c.card_id = ANY($1::uuid[]) ORDER BY h.card_id FOR UPDATE OF h
""")
async def _lock_cards(db: Tx, card_ids: Sequence[UUID]) -> list[_LockedCard]:
    """Locks the cards that were sent before."""


@HUB.statement("""
INSERT INTO cards (card_id, created_at)
SELECT DISTINCT card_id, $2::timestamptz FROM unnest($1::uuid[]) AS c (card_id) ORDER BY card_id
ON CONFLICT DO NOTHING RETURNING card_id
""")
async def _make_cards(db: Tx, card_ids: Sequence[UUID], at: datetime) -> list[UUID]:
    """Makes the cards that nobody else has made."""


@HUB.statement(
    "UPDATE cards SET replaced_by = $2 WHERE card_id = $1 AND replaced_by IS DISTINCT FROM $2"
)
async def mark_replaced(db: Tx, card_id: UUID, by: UUID) -> None:
    """The network's word: its number is no longer in use."""
