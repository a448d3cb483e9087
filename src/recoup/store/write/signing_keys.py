"""Keys that sign calls."""

from datetime import datetime
from uuid import UUID

import asyncpg

_ADD = "INSERT INTO signing_keys (key_id, merchant_id, secret, created_at) VALUES ($1, $2, $3, $4)"
_REVOKE = "UPDATE signing_keys SET revoked_at = $2 WHERE merchant_id = $1 AND revoked_at IS NULL"


async def add_signing_key(
    connection: asyncpg.Connection, key_id: str, merchant_id: UUID, sealed: bytes, at: datetime
) -> None:
    await connection.execute(_ADD, key_id, merchant_id, sealed, at)


async def revoke_signing_keys(connection: asyncpg.Connection, merchant_id: UUID, at: datetime) -> None:
    await connection.execute(_REVOKE, merchant_id, at)
