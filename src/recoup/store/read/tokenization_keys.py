"""Keys with which browsers tokenize; they are public."""

from datetime import datetime
from uuid import UUID

import asyncpg

_OPEN = """
SELECT environment_key, created_at, retires_at FROM tokenization_keys
WHERE merchant_id = $1 AND revoked_at IS NULL AND (retires_at IS NULL OR retires_at > $2)
ORDER BY created_at DESC, environment_key
"""


async def open_tokenization_keys(
    connection: asyncpg.Connection, merchant_id: UUID, at: datetime
) -> list[asyncpg.Record]:
    """Those that open something `at` that wall time, newest first."""
    return await connection.fetch(_OPEN, merchant_id, at)  # type: ignore[no-any-return]
