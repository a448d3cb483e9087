"""Keys that sign calls, with their sealed secrets."""

from uuid import UUID

import asyncpg

_FIND = "SELECT merchant_id, secret FROM signing_keys WHERE key_id = $1 AND revoked_at IS NULL"


async def find_signing_key(connection: asyncpg.Connection, key_id: str) -> tuple[UUID, bytes] | None:
    """(merchant, sealed secret); None for an unknown or revoked key."""
    row = await connection.fetchrow(_FIND, key_id)
    return (row["merchant_id"], row["secret"]) if row else None
