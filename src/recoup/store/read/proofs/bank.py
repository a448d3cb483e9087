"""Sealed bank accounts and the files of payouts, in bounded steps, for whoever can open them."""

from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from recoup.kernel.ids import LOWEST
from recoup.store.read.proofs.walk import fetch

ROWS_MAX: Final = 500
_ACCOUNTS: Final = """
SELECT account_id AS id, account_id, scheme, holder, masked, sealed, deposits FROM bank_accounts
WHERE merchant_id = $1 AND account_id > $2 ORDER BY account_id LIMIT $3
"""
_FILES: Final = """
SELECT o.payout_id AS id, o.payout_id, o.units, o.asset, o.reference, o.approved_at, o.file_name, o.file, o.file_hash,
  a.account_id, a.scheme, a.holder, a.sealed
FROM bank_payouts o LEFT JOIN bank_accounts a USING (merchant_id, account_id)
WHERE o.merchant_id = $1 AND o.payout_id > $2
  AND (o.file IS NOT NULL OR o.file_hash IS NOT NULL OR o.file_name IS NOT NULL)
ORDER BY o.payout_id LIMIT $3
"""


async def accounts(connection: asyncpg.Connection, merchant_id: UUID) -> AsyncIterator[asyncpg.Record]:
    async for row in _steps(connection, _ACCOUNTS, merchant_id):
        yield row


async def files(connection: asyncpg.Connection, merchant_id: UUID) -> AsyncIterator[asyncpg.Record]:
    """Of each payout that has one, with the account that it goes to."""
    async for row in _steps(connection, _FILES, merchant_id):
        yield row


async def _steps(connection: asyncpg.Connection, sql: str, merchant_id: UUID) -> AsyncIterator[asyncpg.Record]:
    after: UUID = LOWEST
    while True:
        rows: Sequence[asyncpg.Record] = await fetch(connection, sql, merchant_id, after, ROWS_MAX)
        for row in rows:
            yield row
        if len(rows) < ROWS_MAX:
            return
        after = rows[-1]["id"]
