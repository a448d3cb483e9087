"""What people write beside orders."""

from datetime import datetime
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Tx


async def insert_order_note(
    db: Tx,
    merchant_id: UUID,
    note_id: UUID,
    order_id: UUID,
    text: str,
    actor: str,
    business_at: datetime,
    recorded_at: datetime,
    notes_max: int,
) -> bool:
    """True when it stands there, now or from before; False when the order has as many as it may, or there is none."""
    await _lock_order(db, merchant_id, order_id)
    return await _insert(db, merchant_id, note_id, order_id, text, actor, business_at, recorded_at, notes_max)


@MERCHANT.statement("SELECT FROM orders WHERE merchant_id = $1 AND order_id = $2 FOR NO KEY UPDATE")
async def _lock_order(db: Tx, merchant_id: UUID, order_id: UUID) -> None:
    """Notes of one order are written one after the other."""


# Only of the merchant's own order, and only so many; a note that is known changes nothing. Under the order's lock.
@MERCHANT.statement("""
WITH made AS (
  INSERT INTO order_notes (merchant_id, note_id, order_id, text, actor, business_at, recorded_at)
  SELECT $1, $2, o.order_id, $4, $5, $6, $7 FROM orders o
  WHERE o.merchant_id = $1 AND o.order_id = $3
    AND (SELECT count(*) FROM order_notes n WHERE n.merchant_id = $1 AND n.order_id = $3) < $8
  ON CONFLICT (merchant_id, note_id) DO NOTHING RETURNING note_id
)
SELECT EXISTS (SELECT FROM made)
  OR EXISTS (SELECT FROM order_notes WHERE merchant_id = $1 AND note_id = $2 AND order_id = $3 AND text = $4)
""")
async def _insert(
    db: Tx,
    merchant_id: UUID,
    note_id: UUID,
    order_id: UUID,
    text: str,
    actor: str,
    business_at: datetime,
    recorded_at: datetime,
    notes_max: int,
) -> bool:
    """Whether it stands there."""
