"""What alerts are made under."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

_FAILING = """
SELECT endpoint_id, merchant_id, partner_id, state, failing_since, created_at,
  substring(url FROM '^[a-z]+://([^/?#]+)') AS host
FROM endpoints
WHERE endpoint_id = ANY($1::uuid[]) AND (state = 'disabled' OR opened_at IS NOT NULL)
ORDER BY endpoint_id
"""


async def lock_feed(tx: asyncpg.Connection, merchant_id: UUID) -> int:
    """The number of the feed's last event; until the transaction ends none is added."""
    return await tx.fetchval("SELECT feed_no FROM closers WHERE merchant_id = $1 FOR UPDATE", merchant_id) or 0


async def failing_endpoints(tx: asyncpg.Connection, endpoint_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """Of these the ones that are open or switched off, of merchants and of partners."""
    return await tx.fetch(_FAILING, list(endpoint_ids))  # type: ignore[no-any-return]
