"""An order by any of its ids, of one merchant or, for operators only, whoever it belongs to."""

from uuid import UUID

import asyncpg

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


async def find_order_among(
    connection: asyncpg.Connection, order_id: UUID | None, text: str, merchant_ids: list[UUID]
) -> list[asyncpg.Record]:
    """At which of these merchants it is, newest first."""
    return await connection.fetch(_AMONG, order_id, text, merchant_ids)  # type: ignore[no-any-return]


async def find_any_order(
    connection: asyncpg.Connection, order_id: UUID | None, text: str, merchant_id: UUID | None = None
) -> list[asyncpg.Record]:
    """Newest first."""
    return await connection.fetch(_FIND, order_id, text, merchant_id)  # type: ignore[no-any-return]
