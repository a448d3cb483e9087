"""An order by any of its ids, of one merchant or, for operators only, whoever it belongs to. The end of an id, which is
not unique, is looked for last."""

from uuid import UUID

import asyncpg

from recoup.kernel.ids import parse_tail

_FIND = """
SELECT merchant_id, order_id FROM orders WHERE order_id = $1 AND ($3::uuid IS NULL OR merchant_id = $3)
UNION
SELECT merchant_id, order_id FROM order_refs WHERE external_id = $2 AND ($3::uuid IS NULL OR merchant_id = $3)
ORDER BY 2 DESC LIMIT 20
"""
_AMONG = """
SELECT merchant_id, order_id FROM orders WHERE order_id = $1 AND merchant_id = ANY($3::uuid[])
UNION
SELECT merchant_id, order_id FROM order_refs WHERE external_id = $2 AND merchant_id = ANY($3::uuid[])
ORDER BY 2 DESC LIMIT 20
"""
# Of each merchant by itself: the index begins with it.
_BY_TAIL = """
SELECT r.merchant_id, r.order_id FROM merchants m JOIN order_refs r ON r.merchant_id = m.merchant_id
WHERE right(r.order_id::text, 8) = $1 AND ($2::uuid[] IS NULL OR m.merchant_id = ANY($2))
ORDER BY 2 DESC LIMIT 20
"""


async def find_order_among(
    connection: asyncpg.Connection, order_id: UUID | None, text: str, merchant_ids: list[UUID]
) -> list[asyncpg.Record]:
    """At which of these merchants it is, newest first."""
    found = await connection.fetch(_AMONG, order_id, text, merchant_ids)
    return found or await _by_tail(connection, text, merchant_ids)


async def find_any_order(
    connection: asyncpg.Connection, order_id: UUID | None, text: str, merchant_id: UUID | None = None
) -> list[asyncpg.Record]:
    """Newest first."""
    found = await connection.fetch(_FIND, order_id, text, merchant_id)
    return found or await _by_tail(connection, text, None if merchant_id is None else [merchant_id])


async def _by_tail(connection: asyncpg.Connection, text: str, merchant_ids: list[UUID] | None) -> list[asyncpg.Record]:
    tail = parse_tail(text)
    return [] if tail is None else await connection.fetch(_BY_TAIL, tail, merchant_ids)
