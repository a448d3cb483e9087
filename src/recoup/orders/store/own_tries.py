"""Orders whose processor goes on to charge by itself."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx


class OwnTries(Row):
    """An order whose invoice the processor's billing goes on to charge; its facts say when and how
    often at most."""

    merchant_id: UUID
    order_id: UUID
    units: int
    asset: str
    facts: dict[str, Any]


@MERCHANT.statement("""
SELECT x.merchant_id, x.order_id, x.units, x.asset, x.facts
FROM (SELECT DISTINCT merchant_id, order_id FROM unnest($1::uuid[], $2::uuid[]) AS k (merchant_id,
  order_id)) k
CROSS JOIN LATERAL (SELECT merchant_id, order_id, units, asset, facts, stage FROM current_orders
  WHERE merchant_id = k.merchant_id AND order_id = k.order_id OFFSET 0) x
WHERE x.facts ? 'own_retry_at' AND x.stage IN ('received', 'processing', 'held', 'problem',
  'challenged')
""")
async def own_tries_of(
    db: Read, merchants: Sequence[UUID], orders: Sequence[UUID]
) -> list[OwnTries]:
    """The processors' own attempts that are open."""


async def set_own_retry_of_order(
    db: Tx, merchant_id: UUID, order_id: UUID, own_retry_at: str | None, own_tries_left: int
) -> None:
    """Sets when the processor will charge its customer by itself, wall time as text, and how often
    at most."""
    facts = {"own_retry_at": own_retry_at, "own_tries_left": own_tries_left}
    await _set_own_retry(db, merchant_id, order_id, facts if own_retry_at else {})


@MERCHANT.statement("""
UPDATE orders SET facts = facts - '{own_retry_at,own_tries_left}'::text[] || $3
WHERE merchant_id = $1 AND order_id = $2
""")
async def _set_own_retry(
    db: Tx, merchant_id: UUID, order_id: UUID, facts: dict[str, Any]
) -> None: ...
