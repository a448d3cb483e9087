"""Payouts, and the wallets that they are decided under."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

_WALLET = "INSERT INTO wallets (merchant_id, asset, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_LOCK_WALLET = "SELECT 1 FROM wallets WHERE merchant_id = $1 AND asset = $2 FOR UPDATE"
_ADD = """
INSERT INTO payouts (merchant_id, payout_id, asset, units, state, destination_type, destination, amount_text, actor,
  created_at)
SELECT merchant_id, payout_id, asset, units, state, destination_type, destination, amount_text, actor, created_at
FROM jsonb_populate_record(NULL::payouts, $1)
"""
_LOCK = """
SELECT p.*, m.offset_us, m.killed FROM payouts p JOIN merchants m USING (merchant_id)
WHERE p.merchant_id = $1 AND p.payout_id = $2 FOR UPDATE OF p
"""
_CHANGE = """
UPDATE payouts SET state = $3, reference = $4, reason = $5, tries = $6 WHERE merchant_id = $1 AND payout_id = $2
"""


async def lock_wallet(connection: asyncpg.Connection, merchant_id: UUID, asset: str, at: datetime) -> None:
    """Makes the wallet's row when it is the first time."""
    await connection.execute(_WALLET, merchant_id, asset, at)
    await connection.execute(_LOCK_WALLET, merchant_id, asset)


async def add_payout(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    await connection.execute(_ADD, row)


async def lock_payout(connection: asyncpg.Connection, merchant_id: UUID, payout_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_LOCK, merchant_id, payout_id)


async def change_payout(
    connection: asyncpg.Connection, merchant_id: UUID, payout_id: UUID, *, state: str, reference: str | None,
    reason: str | None, tries: int,
) -> None:  # fmt: skip
    await connection.execute(_CHANGE, merchant_id, payout_id, state, reference, reason, tries)
