"""An order by any of its ids, whoever it belongs to: for operators only."""

from uuid import UUID

import asyncpg

_FIND = """
SELECT merchant_id, order_id FROM orders WHERE order_id = $1
UNION
SELECT merchant_id, order_id FROM order_refs WHERE external_id = $2
ORDER BY 2 DESC LIMIT 20
"""


async def find_any_order(connection: asyncpg.Connection, order_id: UUID | None, text: str) -> list[asyncpg.Record]:
    """Newest first."""
    return await connection.fetch(_FIND, order_id, text)  # type: ignore[no-any-return]
