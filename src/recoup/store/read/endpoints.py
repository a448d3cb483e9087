"""A merchant's webhook endpoints: those of the rescue API, and the one of the stablecoin API."""

from uuid import UUID

import asyncpg

_LIST = """
SELECT endpoint_id, url, events, format, own_key IS NOT NULL AS has_own_key, own_key, ordered, state, why, created_at
FROM endpoints WHERE merchant_id = $1 AND state <> 'deleted' AND format <> 'stablecoin' ORDER BY created_at, endpoint_id
"""


_STABLECOIN = """
SELECT endpoint_id, url, events, encrypt, state, why FROM endpoints
WHERE merchant_id = $1 AND format = 'stablecoin' AND state <> 'deleted'
"""


async def stablecoin_endpoint(connection: asyncpg.Connection, merchant_id: UUID) -> asyncpg.Record | None:
    """The one of the stablecoin API."""
    return await connection.fetchrow(_STABLECOIN, merchant_id)


async def stablecoin_webhook_key_of(connection: asyncpg.Connection, merchant_id: UUID) -> bytes | None:
    """Sealed."""
    return await connection.fetchval(  # type: ignore[no-any-return]
        "SELECT stablecoin_webhook_key FROM merchants WHERE merchant_id = $1", merchant_id
    )


async def list_endpoints(connection: asyncpg.Connection, merchant_id: UUID) -> list[asyncpg.Record]:
    return await connection.fetch(_LIST, merchant_id)  # type: ignore[no-any-return]


async def webhook_key_of(connection: asyncpg.Connection, merchant_id: UUID) -> bytes | None:
    """Sealed."""
    return await connection.fetchval(  # type: ignore[no-any-return]
        "SELECT webhook_key FROM merchants WHERE merchant_id = $1", merchant_id
    )
