"""Settlements by their own id."""

from uuid import UUID

import asyncpg


async def order_of_settlement(connection: asyncpg.Connection, merchant_id: UUID, settlement_id: UUID) -> UUID | None:
    sql = "SELECT order_id FROM settlements WHERE merchant_id = $1 AND settlement_id = $2"
    return await connection.fetchval(sql, merchant_id, settlement_id)  # type: ignore[no-any-return]
