"""Payouts as their merchant sees them."""

from uuid import UUID

import asyncpg

_COLUMNS = """
SELECT payout_id, asset, units, amount_text, state, destination_type, destination, reference, reason, tries, created_at
FROM payouts WHERE merchant_id = $1"""
_LIST = f"{_COLUMNS} ORDER BY payout_id DESC LIMIT $2 OFFSET $3"
_ONE = f"{_COLUMNS} AND payout_id = $2"


async def list_payouts(
    connection: asyncpg.Connection, merchant_id: UUID, limit: int, offset: int
) -> list[asyncpg.Record]:
    """Newest first."""
    return await connection.fetch(_LIST, merchant_id, limit, offset)  # type: ignore[no-any-return]


async def find_payout(connection: asyncpg.Connection, merchant_id: UUID, payout_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_ONE, merchant_id, payout_id)
