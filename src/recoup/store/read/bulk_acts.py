"""Things done to many orders, and what became of each of these."""

from typing import Final
from uuid import UUID

import asyncpg

_LIST: Final = "SELECT * FROM bulk_acts WHERE merchant_id = $1 ORDER BY asked_at DESC, act_id LIMIT $2"
_ROWS: Final = """
SELECT r.row_no, r.order_id, r.state, r.answer, o.external_id, h.status, h.asset, h.units,
  CASE WHEN h.order_type = 'STABLE' THEN o.amount_text END AS sent_text
FROM bulk_act_rows r
JOIN orders o ON o.merchant_id = r.merchant_id AND o.order_id = r.order_id
JOIN order_heads h ON h.merchant_id = r.merchant_id AND h.order_id = r.order_id
WHERE r.merchant_id = $1 AND r.act_id = $2 AND r.row_no > $3 {only} ORDER BY r.row_no LIMIT $4
"""
_ALL: Final = _ROWS.format(only="")
_REFUSED: Final = _ROWS.format(only="AND r.state = 'refused'")


async def list_acts(connection: asyncpg.Connection, merchant_id: UUID, limit: int) -> list[asyncpg.Record]:
    """Newest first."""
    return await connection.fetch(_LIST, merchant_id, limit)  # type: ignore[no-any-return]


async def find_act(connection: asyncpg.Connection, merchant_id: UUID, act_id: UUID) -> asyncpg.Record | None:
    sql = "SELECT * FROM bulk_acts WHERE merchant_id = $1 AND act_id = $2"
    return await connection.fetchrow(sql, merchant_id, act_id)


async def act_rows(
    connection: asyncpg.Connection, merchant_id: UUID, act_id: UUID, *, after: int, limit: int, refused: bool
) -> list[asyncpg.Record]:
    """In the list's order."""
    sql = _REFUSED if refused else _ALL
    return await connection.fetch(sql, merchant_id, act_id, after, limit)  # type: ignore[no-any-return]
