"""Partners, and whose merchant is whose."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from recoup.store.read.merchants import ApiKey


@dataclass(frozen=True, slots=True)
class Partner:
    """`calls_per_minute`: over all its merchants' keys and its own."""

    partner_id: UUID
    name: str
    state: str
    merchants_max: int
    calls_per_minute: int
    created_at: datetime


_PARTNER = """
SELECT partner_id, name, state, merchants_max, calls_per_minute, created_at FROM partners WHERE partner_id = $1
"""
_KEY = """
SELECT app_key, key_id, secret_hash, scopes, partner_id FROM partner_keys WHERE app_key = $1 AND revoked_at IS NULL
"""
_OWN = "SELECT EXISTS (SELECT FROM partner_merchants WHERE merchant_id = $1 AND partner_id = $2)"


async def find_partner(connection: asyncpg.Connection, partner_id: UUID) -> Partner | None:
    row = await connection.fetchrow(_PARTNER, partner_id)
    return Partner(*row.values()) if row else None


async def find_partner_key(connection: asyncpg.Connection, app_key: str) -> ApiKey | None:
    """None for an unknown or revoked key."""
    row = await connection.fetchrow(_KEY, app_key)
    if row is None:
        return None
    return ApiKey(row["app_key"], row["key_id"], None, row["secret_hash"], tuple(row["scopes"]), row["partner_id"])


async def is_own_merchant(connection: asyncpg.Connection, partner_id: UUID, merchant_id: UUID) -> bool:
    return bool(await connection.fetchval(_OWN, merchant_id, partner_id))
