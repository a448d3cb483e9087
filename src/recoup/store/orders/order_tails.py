"""Orders by the end of their id, which is what a list shows of it: among the newest, since no index knows it."""

from typing import Final
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, statement

NEWEST: Final = 10_000
FOUND_MAX: Final = 5


@statement(
    MERCHANT,
    f"""
SELECT n.order_id FROM (SELECT order_id, placed_at FROM order_heads WHERE merchant_id = $1
  ORDER BY placed_at DESC, order_id DESC LIMIT {NEWEST}) AS n
WHERE right(n.order_id::text, length($2)) = $2 ORDER BY n.placed_at DESC, n.order_id DESC LIMIT {FOUND_MAX}
""",
)
async def orders_by_tail(db: Read, merchant_id: UUID, tail: str) -> list[UUID]:
    """The newest first; of older orders the whole id is needed."""
