"""Locks in the one order they may be taken: orders, then cards. Sets are sorted, so that two never cross.

What is read beside a lock is read in a later statement: a statement that waited for a lock still sees the old rows of
other tables.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from recoup.store.homes import HUB
from recoup.store.statement import Tx, statement

_ORDERS = """
SELECT o.*, h.created_at, h.status, h.order_type, h.source, h.refunded_units, h.disputed, h.attempts,
  h.next_attempt_at, h.reason, h.attention
FROM orders o
JOIN order_heads h USING (merchant_id, order_id)
JOIN unnest($1::uuid[], $2::uuid[]) AS k (merchant_id, order_id) USING (merchant_id, order_id)
WHERE k.order_id = ANY (ARRAY[k.order_id])  -- true; see `write_changes`
ORDER BY o.merchant_id, o.order_id
FOR UPDATE OF o, h
"""


async def lock_orders(connection: asyncpg.Connection, keys: Sequence[tuple[UUID, UUID]]) -> list[asyncpg.Record]:
    """`keys`: (merchant_id, order_id). Unknown ones are left out."""
    return await connection.fetch(  # type: ignore[no-any-return]
        _ORDERS, [k[0] for k in keys], [k[1] for k in keys]
    )


async def lock_cards(db: Tx, card_ids: Sequence[UUID], at: datetime) -> None:
    """Locks each card's row, making it first when the card was never sent before: until the transaction ends nobody
    else sees or makes that row, so that making it is locking it."""
    missing = set(card_ids).difference(await _lock_cards(db, card_ids))
    if missing:
        made = await _make_cards(db, list(missing), at)
        if len(made) < len(missing):  # another transaction was quicker with one of them
            await _lock_cards(db, card_ids)


@statement(HUB, "SELECT card_id FROM cards WHERE card_id = ANY($1::uuid[]) ORDER BY card_id FOR UPDATE")
async def _lock_cards(db: Tx, card_ids: Sequence[UUID]) -> list[UUID]:
    """Those that were sent before."""


@statement(
    HUB,
    """
INSERT INTO cards (card_id, created_at)
SELECT DISTINCT card_id, $2::timestamptz FROM unnest($1::uuid[]) AS c (card_id) ORDER BY card_id
ON CONFLICT DO NOTHING RETURNING card_id
""",
)
async def _make_cards(db: Tx, card_ids: Sequence[UUID], at: datetime) -> list[UUID]:
    """Those that nobody else has made."""
