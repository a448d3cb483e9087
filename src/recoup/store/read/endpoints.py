"""A merchant's webhook endpoints."""

from uuid import UUID

import asyncpg

_LIST = """
SELECT endpoint_id, url, events, format, own_key IS NOT NULL AS has_own_key, own_key, ordered, state, why, created_at
FROM endpoints WHERE merchant_id = $1 AND state <> 'deleted' ORDER BY created_at, endpoint_id
"""


async def list_endpoints(connection: asyncpg.Connection, merchant_id: UUID) -> list[asyncpg.Record]:
    return await connection.fetch(_LIST, merchant_id)  # type: ignore[no-any-return]


async def webhook_key_of(connection: asyncpg.Connection, merchant_id: UUID) -> bytes | None:
    """Sealed."""
    return await connection.fetchval(  # type: ignore[no-any-return]
        "SELECT webhook_key FROM merchants WHERE merchant_id = $1", merchant_id
    )
