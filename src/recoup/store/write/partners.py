"""Partners, their keys, and which merchants are theirs."""

from datetime import datetime
from uuid import UUID

import asyncpg

_PARTNER = "INSERT INTO partners (partner_id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_KEY = """
INSERT INTO partner_keys (app_key, key_id, partner_id, secret_hash, scopes, created_at) VALUES ($1, $2, $3, $4, $5, $6)
"""
_REVOKE = "UPDATE partner_keys SET revoked_at = $2 WHERE partner_id = $1 AND revoked_at IS NULL"
_MERCHANT = """
INSERT INTO partner_merchants (merchant_id, partner_id, external_id, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id) DO NOTHING
"""


async def add_partner(connection: asyncpg.Connection, partner_id: UUID, name: str, at: datetime) -> None:
    """Once; a second time it changes nothing."""
    await connection.execute(_PARTNER, partner_id, name, at)


async def add_partner_key(
    connection: asyncpg.Connection, app_key: str, key_id: UUID, partner_id: UUID, secret_hash: bytes,
    scopes: list[str], at: datetime,
) -> None:  # fmt: skip
    await connection.execute(_KEY, app_key, key_id, partner_id, secret_hash, scopes, at)


async def revoke_partner_keys(connection: asyncpg.Connection, partner_id: UUID, at: datetime) -> None:
    await connection.execute(_REVOKE, partner_id, at)


async def add_partner_merchant(
    connection: asyncpg.Connection, partner_id: UUID, merchant_id: UUID, external_id: str | None, at: datetime
) -> None:
    await connection.execute(_MERCHANT, merchant_id, partner_id, external_id, at)


async def lock_partner(tx: asyncpg.Connection, partner_id: UUID) -> None:
    """Whoever holds it counts the partner's merchants and makes one."""
    await tx.execute("SELECT FROM partners WHERE partner_id = $1 FOR UPDATE", partner_id)


async def count_merchants(connection: asyncpg.Connection, partner_id: UUID) -> int:
    sql = "SELECT count(*) FROM partner_merchants WHERE partner_id = $1"
    return int(await connection.fetchval(sql, partner_id))
