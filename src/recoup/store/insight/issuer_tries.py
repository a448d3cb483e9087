"""A merchant's own attempts on cards of one issuer, as they stood at a moment. Bounded in rows."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.rules.rescue.explained import IssuerTries
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read

ORDERS_MAX: Final = 200  # the newest


@MERCHANT.statement(f"""
SELECT count(*)::int AS tries, count(*) FILTER (WHERE a.state = 'approved')::int AS approved
FROM (
  SELECT order_id FROM order_heads
  WHERE merchant_id = $1 AND card_bin = $2 AND card_bin <> '' AND placed_at < $3
  ORDER BY placed_at DESC, order_id DESC LIMIT {ORDERS_MAX}
) h
JOIN attempts a ON a.merchant_id = $1 AND a.order_id = h.order_id
WHERE a.state IN ('approved', 'declined') AND a.closed_at < $3
""")
async def issuer_tries(db: Read, merchant_id: UUID, digits: str, before: datetime) -> IssuerTries:
    """`digits`: the first six of the card. `before`: business time."""
