"""What a merchant has to connect with."""

from datetime import datetime
from uuid import UUID

import asyncpg

_KEYS = """
SELECT
  (SELECT count(*) FROM api_keys a WHERE a.merchant_id = $1 AND a.revoked_at IS NULL
    AND coalesce(a.retires_at > $2, true) AND 'payments' = ANY (a.scopes)) AS api_keys,
  (SELECT count(*) FROM tokenization_keys t WHERE t.merchant_id = $1 AND t.revoked_at IS NULL
    AND coalesce(t.retires_at > $2, true)) AS tokenization_keys
"""


async def count_keys(connection: asyncpg.Connection, merchant_id: UUID, at: datetime) -> asyncpg.Record:
    """`api_keys` that allow payments and `tokenization_keys`, both as far as they work `at` that wall time."""
    return await connection.fetchrow(_KEYS, merchant_id, at)
