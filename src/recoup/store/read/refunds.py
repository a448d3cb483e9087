"""Refunds by their own id."""

from uuid import UUID

import asyncpg


async def order_of_refund(connection: asyncpg.Connection, merchant_id: UUID, refund_id: UUID) -> UUID | None:
    sql = "SELECT order_id FROM refunds WHERE merchant_id = $1 AND refund_id = $2"
    return await connection.fetchval(sql, merchant_id, refund_id)  # type: ignore[no-any-return]


async def refund_state(connection: asyncpg.Connection, merchant_id: UUID, refund_id: UUID) -> asyncpg.Record | None:
    sql = "SELECT state, processor_code FROM refunds WHERE merchant_id = $1 AND refund_id = $2"
    return await connection.fetchrow(sql, merchant_id, refund_id)
