"""Bank accounts, payouts and adjustments, as pages and flows read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

ROWS_MAX: Final = 200
_ACTIVE = "SELECT * FROM bank_accounts WHERE merchant_id = $1 AND asset = $2 AND state = 'active'"
_ACCOUNT = "SELECT * FROM bank_accounts WHERE merchant_id = $1 AND account_id = $2"
_ACCOUNTS = "SELECT * FROM bank_accounts WHERE merchant_id = $1 ORDER BY added_at DESC, account_id DESC LIMIT $2"
_PAYOUT: Final = """
SELECT p.payout_id, p.batch_id, p.payout_no, p.asset, p.units, p.state, p.reference, p.requested_by, p.approved_by,
  p.account_id, p.file_name, encode(p.file_hash, 'hex') AS file_hash, p.reason, p.created_at, p.approved_at, p.sent_at,
  p.ended_at, p.tries, a.masked, a.holder
FROM bank_payouts p LEFT JOIN bank_accounts a USING (merchant_id, account_id)
"""
_OF_BATCH = f"{_PAYOUT} WHERE p.merchant_id = $1 AND p.batch_id = $2 ORDER BY p.payout_no"
_ONE_PAYOUT = f"{_PAYOUT} WHERE p.merchant_id = $1 AND p.payout_id = $2"
_OPEN_PAYOUTS = f"""{_PAYOUT} WHERE p.merchant_id = $1 AND p.state IN ('created', 'approved', 'sent')
  AND ($3::text IS NULL OR p.asset = $3)
ORDER BY p.created_at, p.payout_id LIMIT $2"""
_OPEN_COUNTS = """SELECT asset, count(*) AS payouts FROM bank_payouts
WHERE merchant_id = $1 AND state IN ('created', 'approved', 'sent') GROUP BY asset ORDER BY asset"""
_BY_REFERENCE = "SELECT payout_id FROM bank_payouts WHERE merchant_id = $1 AND reference = $2"
_FILE = "SELECT file_name, file FROM bank_payouts WHERE merchant_id = $1 AND payout_id = $2 AND file IS NOT NULL"
_LAST = """
SELECT payout_id, payout_no, state, units, asset FROM bank_payouts WHERE merchant_id = $1 AND batch_id = $2
ORDER BY payout_no DESC LIMIT 1
"""
_ADJUSTMENTS = """
SELECT * FROM (
  (SELECT * FROM adjustments WHERE merchant_id = $1 AND state = 'waiting' ORDER BY created_at DESC LIMIT $2)
  UNION ALL
  (SELECT * FROM adjustments WHERE merchant_id = $1 AND state <> 'waiting'
    ORDER BY created_at DESC, adjustment_id DESC LIMIT $2)) a
ORDER BY state <> 'waiting', created_at DESC, adjustment_id DESC LIMIT $2
"""
_ALONE = """
SELECT coalesce(sum(abs(units)), 0)::bigint FROM adjustments
WHERE merchant_id = $1 AND asset = $2 AND made_by = $3 AND created_at > $4 AND state = 'booked' AND decided_by IS NULL
"""
_LAST_RETURNS = """
SELECT a.account_id, p.reason, p.ended_at FROM bank_accounts a CROSS JOIN LATERAL (
  SELECT state, reason, ended_at FROM bank_payouts
  WHERE merchant_id = $1 AND account_id = a.account_id AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 1) p
WHERE a.merchant_id = $1 AND p.state = 'returned'
"""
_SENT = """
SELECT o.payout_id AS id, o.reference, t.type, o.units, o.asset, t.at
FROM bank_payouts o
CROSS JOIN LATERAL (VALUES ('payout', o.sent_at), ('payout_return',
  CASE WHEN o.state = 'returned' THEN o.ended_at END)) t (type, at)
WHERE o.merchant_id = $1 AND o.sent_at IS NOT NULL AND t.at IS NOT NULL ORDER BY t.at, o.payout_id, t.type
"""


async def active_account(connection: asyncpg.Connection, merchant_id: UUID, asset: str) -> asyncpg.Record | None:
    return await connection.fetchrow(_ACTIVE, merchant_id, asset)


async def find_account(connection: asyncpg.Connection, merchant_id: UUID, account_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_ACCOUNT, merchant_id, account_id)


async def list_accounts(connection: asyncpg.Connection, merchant_id: UUID) -> Sequence[asyncpg.Record]:
    """Newest first, at most ROWS_MAX."""
    return await connection.fetch(_ACCOUNTS, merchant_id, ROWS_MAX)  # type: ignore[no-any-return]


async def count_accounts(connection: asyncpg.Connection, merchant_id: UUID) -> int:
    sql = "SELECT count(*) FROM bank_accounts WHERE merchant_id = $1"
    return int(await connection.fetchval(sql, merchant_id))


async def last_returns(connection: asyncpg.Connection, merchant_id: UUID) -> dict[UUID, asyncpg.Record]:
    """Accounts whose last payout came back: why, and when."""
    return {row["account_id"]: row for row in await connection.fetch(_LAST_RETURNS, merchant_id)}


async def payouts_of(connection: asyncpg.Connection, merchant_id: UUID, batch_id: UUID) -> Sequence[asyncpg.Record]:
    """The tries to pay a batch, first to last, each with its account's `masked` and `holder`."""
    return await connection.fetch(_OF_BATCH, merchant_id, batch_id)  # type: ignore[no-any-return]


async def last_payout(connection: asyncpg.Connection, merchant_id: UUID, batch_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_LAST, merchant_id, batch_id)


async def find_payout(connection: asyncpg.Connection, merchant_id: UUID, payout_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_ONE_PAYOUT, merchant_id, payout_id)


async def payout_by_reference(connection: asyncpg.Connection, merchant_id: UUID, reference: str) -> UUID | None:
    return await connection.fetchval(_BY_REFERENCE, merchant_id, reference)  # type: ignore[no-any-return]


async def open_payouts(
    connection: asyncpg.Connection, merchant_id: UUID, asset: str | None = None
) -> Sequence[asyncpg.Record]:
    """Those that wait for somebody, oldest first, at most ROWS_MAX; of one currency when it is named."""
    return await connection.fetch(_OPEN_PAYOUTS, merchant_id, ROWS_MAX, asset)  # type: ignore[no-any-return]


async def open_payout_counts(connection: asyncpg.Connection, merchant_id: UUID) -> dict[str, int]:
    """Currency -> how many payouts wait for somebody."""
    return {row["asset"]: row["payouts"] for row in await connection.fetch(_OPEN_COUNTS, merchant_id)}


async def payout_file(connection: asyncpg.Connection, merchant_id: UUID, payout_id: UUID) -> asyncpg.Record | None:
    """Name and sealed content; None before it is made."""
    return await connection.fetchrow(_FILE, merchant_id, payout_id)


async def list_adjustments(connection: asyncpg.Connection, merchant_id: UUID) -> Sequence[asyncpg.Record]:
    """Those that wait first, then newest first, at most ROWS_MAX."""
    return await connection.fetch(_ADJUSTMENTS, merchant_id, ROWS_MAX)  # type: ignore[no-any-return]


async def adjusted_alone(
    connection: asyncpg.Connection, merchant_id: UUID, asset: str, made_by: str, since: datetime
) -> int:
    """What one person booked since then without a second one, in both directions. Units."""
    return await connection.fetchval(_ALONE, merchant_id, asset, made_by, since)  # type: ignore[no-any-return]


async def payouts_sent(connection: asyncpg.Connection, merchant_id: UUID) -> Sequence[asyncpg.Record]:
    """What the bank was told to pay, and what it gave back: id, reference, type, units, asset, at."""
    return await connection.fetch(_SENT, merchant_id)  # type: ignore[no-any-return]
