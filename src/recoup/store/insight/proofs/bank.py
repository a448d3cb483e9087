"""Sealed bank accounts and the files of payouts, in bounded steps, for a process that can open them."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.kernel.ids import LOWEST
from recoup.store.homes import MERCHANT
from recoup.store.insight.proofs.walk import STATEMENT_SECONDS
from recoup.store.statement import Read, Row

ROWS_MAX: Final = 500
Scheme = Literal["us", "iban"]


class SealedAccount(Row, frozen=True):
    account_id: UUID
    scheme: Scheme
    holder: str
    masked: str
    sealed: bytes
    deposits: bytes


async def accounts(db: Read, merchant_id: UUID) -> AsyncIterator[SealedAccount]:
    after = LOWEST
    while rows := await _accounts(db, merchant_id, after, ROWS_MAX):
        for row in rows:
            yield row
        after = rows[-1].account_id


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT account_id, scheme, holder, masked, sealed, deposits FROM bank_accounts
WHERE merchant_id = $1 AND account_id > $2 ORDER BY account_id LIMIT $3
""")
async def _accounts(db: Read, merchant_id: UUID, after: UUID, limit: int) -> list[SealedAccount]:
    """By their ids."""


class PayoutFile(Row, frozen=True):
    """What there is of it, with the account that the payout goes to."""

    payout_id: UUID
    units: int
    asset: str
    reference: str
    approved_at: datetime | None
    file_name: str | None
    file: bytes | None
    file_hash: bytes | None
    account_id: UUID | None
    scheme: Scheme | None
    holder: str | None
    sealed: bytes | None


async def files(db: Read, merchant_id: UUID) -> AsyncIterator[PayoutFile]:
    """Of each payout that has one."""
    after = LOWEST
    while rows := await _files(db, merchant_id, after, ROWS_MAX):
        for row in rows:
            yield row
        after = rows[-1].payout_id


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT o.payout_id, o.units, o.asset, o.reference, o.approved_at, o.file_name, o.file, o.file_hash,
  a.account_id, a.scheme, a.holder, a.sealed
FROM bank_payouts o LEFT JOIN bank_accounts a USING (merchant_id, account_id)
WHERE o.merchant_id = $1 AND o.payout_id > $2
  AND (o.file IS NOT NULL OR o.file_hash IS NOT NULL OR o.file_name IS NOT NULL)
ORDER BY o.payout_id LIMIT $3
""")
async def _files(db: Read, merchant_id: UUID, after: UUID, limit: int) -> list[PayoutFile]:
    """By the payouts' ids."""
