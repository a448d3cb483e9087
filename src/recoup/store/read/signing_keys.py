"""Keys that sign calls, with their sealed secrets."""

from datetime import datetime
from uuid import UUID

import asyncpg

_FIND = """
SELECT merchant_id, secret FROM signing_keys
WHERE key_id = $1 AND revoked_at IS NULL AND (retires_at IS NULL OR retires_at > $2)
"""


async def find_signing_key(connection: asyncpg.Connection, key_id: str, at: datetime) -> tuple[UUID, bytes] | None:
    """(merchant, sealed secret); None for an unknown key, and for one that has ended `at` that wall time."""
    row = await connection.fetchrow(_FIND, key_id, at)
    return (row["merchant_id"], row["secret"]) if row else None
