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
SELECT app_key, key_id, secret_hash, scopes, partner_id, least(revoked_at, retires_at) AS ended_at FROM partner_keys
WHERE app_key = $1
"""
_OWN = "SELECT EXISTS (SELECT FROM partner_merchants WHERE merchant_id = $1 AND partner_id = $2)"


async def find_partner(connection: asyncpg.Connection, partner_id: UUID) -> Partner | None:
    row = await connection.fetchrow(_PARTNER, partner_id)
    return Partner(*row.values()) if row else None


async def find_partner_key(connection: asyncpg.Connection, app_key: str) -> ApiKey | None:
    """None for an unknown key; one that has ended says so."""
    row = await connection.fetchrow(_KEY, app_key)
    if row is None:
        return None
    return ApiKey(row["app_key"], row["key_id"], None, row["secret_hash"], tuple(row["scopes"]), row["partner_id"],
                  row["ended_at"])  # fmt: skip


async def list_partners(connection: asyncpg.Connection, limit: int) -> list[Partner]:
    sql = """
    SELECT partner_id, name, state, merchants_max, calls_per_minute, created_at FROM partners
    ORDER BY created_at, partner_id LIMIT $1
    """
    return [Partner(*row.values()) for row in await connection.fetch(sql, limit)]


async def is_own_merchant(connection: asyncpg.Connection, partner_id: UUID, merchant_id: UUID) -> bool:
    return bool(await connection.fetchval(_OWN, merchant_id, partner_id))


@dataclass(frozen=True, slots=True)
class Belongs:
    """What the people database is told of a merchant."""

    name: str
    partner_id: UUID | None
    partner_name: str | None


@dataclass(frozen=True, slots=True)
class Made:
    """A merchant that its partner made before, and by what."""

    merchant_id: UUID
    external_id: str | None
    request_key: str | None
    input_mac: bytes | None


_WHO = """
SELECT m.name, p.partner_id, p.name AS partner_name FROM merchants m
LEFT JOIN partner_merchants o ON o.merchant_id = m.merchant_id LEFT JOIN partners p ON p.partner_id = o.partner_id
WHERE m.merchant_id = $1
"""
_BEFORE = """
SELECT merchant_id, external_id, request_key, input_mac FROM partner_merchants
WHERE partner_id = $1 AND (request_key = $2 OR external_id = $3)
"""
_COUNT = "SELECT count(*) FROM partner_merchants WHERE partner_id = $1"
# Later ones show keys that somebody made anew, and are for whom that person gave the link.
_HANDOVER = """
SELECT handover_id, expires_at FROM handovers h
WHERE merchant_id = $1 AND sealed IS NOT NULL AND expires_at > $2 AND NOT EXISTS (SELECT FROM handovers e
  WHERE e.merchant_id = h.merchant_id AND (e.created_at, e.handover_id) < (h.created_at, h.handover_id))
"""
_OWN_OF = "SELECT merchant_id FROM partner_merchants WHERE partner_id = $1 AND merchant_id = ANY($2::uuid[])"
_PARTNER_OF = "SELECT partner_id FROM heard_by_partners WHERE merchant_id = $1"


async def who_is(connection: asyncpg.Connection, merchant_id: UUID, *, lock: bool = False) -> Belongs | None:
    row = await connection.fetchrow(_WHO + (" FOR UPDATE OF m" if lock else ""), merchant_id)
    return Belongs(*row.values()) if row else None


async def made_before(
    connection: asyncpg.Connection, partner_id: UUID, request_key: str | None, external_id: str | None
) -> list[Made]:
    """By the key of the request, by the partner's own id of the merchant, or one by each."""
    return [Made(*row.values()) for row in await connection.fetch(_BEFORE, partner_id, request_key, external_id)]


async def count_merchants(connection: asyncpg.Connection, partner_id: UUID) -> int:
    return int(await connection.fetchval(_COUNT, partner_id))


async def waiting_handover(
    connection: asyncpg.Connection, merchant_id: UUID, at: datetime
) -> tuple[UUID, datetime] | None:
    """The one that was made with the merchant, if nobody has opened it, with its end."""
    row = await connection.fetchrow(_HANDOVER, merchant_id, at)
    return (row["handover_id"], row["expires_at"]) if row else None


_BY_KEY = """
SELECT handover_id, sealed IS NOT NULL AS sealed, created_at, expires_at, old_keys_end, request_mac
FROM handovers
WHERE merchant_id = $1 AND request_key = $2
"""


async def handover_by_key(connection: asyncpg.Connection, merchant_id: UUID, key: str) -> asyncpg.Record | None:
    """Of the keys that were made for this Idempotency-Key."""
    return await connection.fetchrow(_BY_KEY, merchant_id, key)


async def own_merchants_among(connection: asyncpg.Connection, partner_id: UUID, mids: list[UUID]) -> set[UUID]:
    return {row["merchant_id"] for row in await connection.fetch(_OWN_OF, partner_id, mids)}


async def partner_of(connection: asyncpg.Connection, merchant_id: UUID) -> UUID | None:
    return await connection.fetchval(_PARTNER_OF, merchant_id)  # type: ignore[no-any-return]
