"""An order by any of its ids, of one merchant or, for operators only, of any. The end of an id,
which is not unique, is looked for last. Those in an archive are among them."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from recoup.db.statement import MERCHANT, Read
from recoup.kernel.ids import parse_tail


class OrderKey(NamedTuple):
    merchant_id: UUID
    order_id: UUID


async def find_order_among(
    db: Read, order_id: UUID | None, text: str, merchant_ids: Sequence[UUID]
) -> list[OrderKey]:
    """Finds the order at these merchants, newest first."""
    return await _find_among(db, order_id, text, merchant_ids) or await _find_tail(
        db, text, merchant_ids
    )


async def find_any_order(
    db: Read, order_id: UUID | None, text: str, merchant_id: UUID | None = None
) -> list[OrderKey]:
    """Newest first."""
    keys = await _find(db, order_id, text, merchant_id)
    return keys or await _find_tail(db, text, None if merchant_id is None else [merchant_id])


@MERCHANT.statement("""
SELECT merchant_id, order_id FROM orders WHERE order_id = $1 AND ($3::uuid IS NULL
  OR merchant_id = $3)
UNION
SELECT merchant_id, order_id FROM archived_orders WHERE order_id = $1 AND ($3::uuid IS NULL
  OR merchant_id = $3)
UNION
SELECT merchant_id, order_id FROM order_refs WHERE external_id = $2 AND ($3::uuid IS NULL
  OR merchant_id = $3)
ORDER BY 2 DESC LIMIT 20
""")
async def _find(
    db: Read, order_id: UUID | None, text: str, merchant_id: UUID | None
) -> list[OrderKey]:
    """Finds orders by our id, or the merchant's own; newest first."""


@MERCHANT.statement("""
SELECT merchant_id, order_id FROM orders WHERE order_id = $1 AND merchant_id = ANY($3::uuid[])
UNION
SELECT merchant_id, order_id FROM archived_orders WHERE order_id = $1
  AND merchant_id = ANY($3::uuid[])
UNION
SELECT merchant_id, order_id FROM order_refs WHERE external_id = $2
  AND merchant_id = ANY($3::uuid[])
ORDER BY 2 DESC LIMIT 20
""")
async def _find_among(
    db: Read, order_id: UUID | None, text: str, merchant_ids: Sequence[UUID]
) -> list[OrderKey]:
    """Finds orders at these merchants by our id, or the merchant's own; newest first."""


async def _find_tail(db: Read, text: str, merchant_ids: Sequence[UUID] | None) -> list[OrderKey]:
    tail = parse_tail(text)
    return [] if tail is None else await _by_tail(db, tail, merchant_ids)


# Of each merchant by itself: the index begins with it.
@MERCHANT.statement("""
SELECT r.merchant_id, r.order_id FROM merchants m JOIN order_refs r ON r.merchant_id = m.merchant_id
WHERE right(r.order_id::text, 8) = $1 AND ($2::uuid[] IS NULL OR m.merchant_id = ANY($2))
ORDER BY 2 DESC LIMIT 20
""")
async def _by_tail(db: Read, tail: str, merchant_ids: Sequence[UUID] | None) -> list[OrderKey]:
    """Finds orders by the end of our id; newest first."""


@MERCHANT.statement("""
SELECT order_id FROM attempts WHERE merchant_id = $1 AND attempt_id = $2
UNION SELECT a.order_id FROM wire_keys k JOIN attempts a ON a.merchant_id = k.merchant_id
  AND a.attempt_id = k.movement_id AND a.key = k.key
  WHERE k.key = $2 AND k.merchant_id = $1
UNION SELECT p.order_id FROM postings p JOIN archived_orders o USING (merchant_id, order_id)
  WHERE p.merchant_id = $1 AND p.source_kind = 'attempt' AND p.source_id = $2 LIMIT 1
""")
async def order_of_charge(db: Read, merchant_id: UUID, charge: UUID) -> UUID | None:
    """The order of a charge, also of one in an archive; None for a foreign or unknown id."""
