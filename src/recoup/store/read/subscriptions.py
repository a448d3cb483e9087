"""Subscriptions as their merchant sees them."""

from uuid import UUID

import asyncpg

_COLUMNS = """
SELECT s.*, p.external_id AS customer FROM subscriptions s
LEFT JOIN payers p ON p.merchant_id = s.merchant_id AND p.payer_id = s.customer_id
WHERE s.merchant_id = $1"""
_ONE = f"{_COLUMNS} AND s.subscription_id = $2"
_LIST = f"""{_COLUMNS} AND ($4::text IS NULL OR s.state = $4)
ORDER BY s.created_at DESC, s.subscription_id DESC LIMIT $2 OFFSET $3
"""
_COUNT = "SELECT count(*) FROM subscriptions WHERE merchant_id = $1 AND ($2::text IS NULL OR state = $2)"


async def find_subscription(
    connection: asyncpg.Connection, merchant_id: UUID, subscription_id: UUID
) -> asyncpg.Record | None:
    return await connection.fetchrow(_ONE, merchant_id, subscription_id)


async def list_subscriptions(
    connection: asyncpg.Connection, merchant_id: UUID, limit: int, offset: int, state: str | None
) -> tuple[list[asyncpg.Record], int]:
    """Newest first, with the total."""
    rows = await connection.fetch(_LIST, merchant_id, limit, offset, state)
    return rows, await connection.fetchval(_COUNT, merchant_id, state)
