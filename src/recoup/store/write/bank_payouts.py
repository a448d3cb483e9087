"""Bank accounts, payouts to them, adjustments: rows that change under their own lock."""

from typing import Any, Final
from uuid import UUID

import asyncpg

_ADD_PAYOUT = "INSERT INTO bank_payouts SELECT * FROM jsonb_populate_record(NULL::bank_payouts, $1)"
_LOCK_PAYOUT = """
SELECT p.*, m.offset_us, m.killed FROM bank_payouts p JOIN merchants m USING (merchant_id)
WHERE p.merchant_id = $1 AND p.payout_id = $2 FOR UPDATE OF p
"""
_CHANGE_PAYOUT = """
UPDATE bank_payouts SET state = $3, version = $4, approved_by = $5, account_id = $6, file_name = $7, file = $8,
  file_hash = $9, tries = $10, reason = $11, approved_at = $12, sent_at = $13, ended_at = $14
WHERE merchant_id = $1 AND payout_id = $2
"""
CHANGING: Final = (
    "state", "version", "approved_by", "account_id", "file_name", "file", "file_hash", "tries", "reason",
    "approved_at", "sent_at", "ended_at",
)  # fmt: skip
_ADD_ACCOUNT = "INSERT INTO bank_accounts SELECT * FROM jsonb_populate_record(NULL::bank_accounts, $1)"
_LOCK_ACCOUNTS = "SELECT account_id FROM bank_accounts WHERE merchant_id = $1 ORDER BY account_id FOR UPDATE"
_ACCOUNT = "SELECT * FROM bank_accounts WHERE merchant_id = $1 AND account_id = $2"
_CHANGE_ACCOUNT = """
UPDATE bank_accounts SET state = $3, tries = $4, verified_at = $5, approved_by = $6, active_at = $7, ended_at = $8,
  reason = $9
WHERE merchant_id = $1 AND account_id = $2
"""
CHANGING_ACCOUNT: Final = ("state", "tries", "verified_at", "approved_by", "active_at", "ended_at", "reason")
_ADD_ADJUSTMENT = "INSERT INTO adjustments SELECT * FROM jsonb_populate_record(NULL::adjustments, $1)"
_LOCK_ADJUSTMENT = """
SELECT a.*, m.offset_us FROM adjustments a JOIN merchants m USING (merchant_id)
WHERE a.merchant_id = $1 AND a.adjustment_id = $2 FOR UPDATE OF a
"""
_DECIDE_ADJUSTMENT = """
UPDATE adjustments SET state = $3, decided_by = $4, decided_at = $5 WHERE merchant_id = $1 AND adjustment_id = $2
"""


async def add_payout(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    """`row` names every column."""
    await connection.execute(_ADD_PAYOUT, row)


async def lock_payout(connection: asyncpg.Connection, merchant_id: UUID, payout_id: UUID) -> dict[str, Any] | None:
    """With `offset_us` and `killed` of its merchant."""
    row = await connection.fetchrow(_LOCK_PAYOUT, merchant_id, payout_id)
    return dict(row) if row else None


async def save_payout(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    values = [row[name] for name in CHANGING]
    await connection.execute(_CHANGE_PAYOUT, row["merchant_id"], row["payout_id"], *values)


async def add_account(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    """`row` names every column."""
    await connection.execute(_ADD_ACCOUNT, row)


async def lock_account(connection: asyncpg.Connection, merchant_id: UUID, account_id: UUID) -> dict[str, Any] | None:
    """Locks all of the merchant's accounts: one becoming active ends another."""
    await connection.fetch(_LOCK_ACCOUNTS, merchant_id)
    row = await connection.fetchrow(_ACCOUNT, merchant_id, account_id)
    return dict(row) if row else None


async def save_account(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    values = [row[name] for name in CHANGING_ACCOUNT]
    await connection.execute(_CHANGE_ACCOUNT, row["merchant_id"], row["account_id"], *values)


async def add_adjustment(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    """`row` names every column."""
    await connection.execute(_ADD_ADJUSTMENT, row)


async def lock_adjustment(
    connection: asyncpg.Connection, merchant_id: UUID, adjustment_id: UUID
) -> dict[str, Any] | None:
    row = await connection.fetchrow(_LOCK_ADJUSTMENT, merchant_id, adjustment_id)
    return dict(row) if row else None


async def decide_adjustment(
    connection: asyncpg.Connection, merchant_id: UUID, adjustment_id: UUID, state: str, decided_by: str, at: Any
) -> None:
    await connection.execute(_DECIDE_ADJUSTMENT, merchant_id, adjustment_id, state, decided_by, at)
