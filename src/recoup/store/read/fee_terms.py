"""A merchant's terms of fees with their history."""

from uuid import UUID

import asyncpg

_TERMS = """
SELECT f.*, s.url AS site FROM fee_terms f LEFT JOIN sites s USING (merchant_id, site_id)
WHERE f.merchant_id = $1 ORDER BY f.valid_from, f.term_id
"""


async def fee_history(connection: asyncpg.Connection, merchant_id: UUID) -> list[asyncpg.Record]:
    """Oldest first, with who set each and when."""
    return list(await connection.fetch(_TERMS, merchant_id))
