"""A merchant's webhook endpoints: those of the rescue API, and the one of the stablecoin API."""

from uuid import UUID

import asyncpg

_LIST = """
SELECT endpoint_id, url, events, format, own_key IS NOT NULL AS has_own_key, own_key, ordered, state, why, created_at,
  encrypt
FROM endpoints WHERE merchant_id = $1 AND state <> 'deleted' AND door = 'rescue' ORDER BY created_at, endpoint_id
"""

_TRIES = """
SELECT t.try_id, t.subject_id, t.seq, t.event_id, t.try_no, t.at, t.status, t.error, t.latency_ms, t.answer, t.result,
  t.sample IS NOT NULL AS is_sample, coalesce(t.sample, b.event) AS event, o.external_id
FROM delivery_tries t
LEFT JOIN outbox b ON b.merchant_id = t.merchant_id AND b.subject_id = t.subject_id AND b.seq = t.seq
LEFT JOIN orders o ON o.merchant_id = t.merchant_id AND o.order_id = t.subject_id
WHERE t.merchant_id = $1 AND t.endpoint_id = $2
  AND t.try_id < coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY t.try_id DESC LIMIT $3
"""


async def list_tries(
    connection: asyncpg.Connection, merchant_id: UUID, endpoint_id: UUID, limit: int, before: UUID | None
) -> list[asyncpg.Record]:
    """Newest first, older than `before`; each with its event's name and its order's external id."""
    return await connection.fetch(_TRIES, merchant_id, endpoint_id, limit, before)  # type: ignore[no-any-return]


_STABLECOIN = """
SELECT endpoint_id, url, events, encrypt, state, why FROM endpoints
WHERE merchant_id = $1 AND door = 'stablecoin' AND state <> 'deleted'
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
