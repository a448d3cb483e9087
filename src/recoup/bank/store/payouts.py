"""Bank accounts, payouts to them, adjustments: rows that change under their own lock."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from recoup.bank.store.accounts import AccountRow, Adjustment, PayoutHead, PayoutState, find_account
from recoup.db.statement import MERCHANT, Tx, columns_of


@MERCHANT.statement("""
INSERT INTO bank_payouts (merchant_id, payout_id, batch_id, payout_no, asset, units, state, version,
  reference,
  requested_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, 'created', 0, $7, $8, $9)
""")
async def add_payout(
    db: Tx,
    merchant_id: UUID,
    payout_id: UUID,
    batch_id: UUID,
    payout_no: int,
    asset: str,
    units: int,
    reference: str,
    requested_by: str,
    created_at: datetime,
) -> None:
    """Adds a payout that waits for its approval. `created_at` is business time."""


@MERCHANT.statement("""
WITH next AS MATERIALIZED (
  SELECT coalesce(max(state_no), 0) + 1 AS state_no FROM bank_payout_states
  WHERE merchant_id = $1 AND payout_id = $2
)
INSERT INTO bank_payout_states (merchant_id, payout_id, state_no, state, business_at, recorded_at)
SELECT $1, $2, state_no, $3, $4, $5 FROM next RETURNING 1
""")
async def add_payout_state(
    db: Tx,
    merchant_id: UUID,
    payout_id: UUID,
    state: PayoutState,
    business_at: datetime,
    recorded_at: datetime,
) -> None:
    """Adds the state that a payout came into. Under its lock, or with its making."""


class LockedPayout(PayoutHead):
    """`version` numbers its events; `file` is sealed; `offset_us` and `killed` are its
    merchant's."""

    merchant_id: UUID
    version: int
    file: bytes | None
    file_hash: bytes | None
    offset_us: int
    killed: bool


@MERCHANT.statement(f"""
SELECT {columns_of(LockedPayout, "p", offset_us="m.offset_us", killed="m.killed")}
FROM bank_payouts p JOIN merchants m USING (merchant_id)
WHERE p.merchant_id = $1 AND p.payout_id = $2 FOR UPDATE OF p
""")
async def lock_payout(db: Tx, merchant_id: UUID, payout_id: UUID) -> LockedPayout | None:
    """Locks a payout; None for a foreign or unknown id."""


async def save_payout(db: Tx, row: LockedPayout) -> None:
    """Saves what may change of it."""
    await _save_payout(
        db,
        row.merchant_id,
        row.payout_id,
        row.state,
        row.version,
        row.approved_by,
        row.account_id,
        row.file_name,
        row.file,
        row.file_hash,
        row.tries,
        row.reason,
        row.approved_at,
        row.sent_at,
        row.ended_at,
    )


@MERCHANT.statement("""
UPDATE bank_payouts SET state = $3, version = $4, approved_by = $5, account_id = $6, file_name = $7,
  file = $8,
  file_hash = $9, tries = $10, reason = $11, approved_at = $12, sent_at = $13, ended_at = $14
WHERE merchant_id = $1 AND payout_id = $2
""")
async def _save_payout(
    db: Tx,
    merchant_id: UUID,
    payout_id: UUID,
    state: str,
    version: int,
    approved_by: str | None,
    account_id: UUID | None,
    file_name: str | None,
    file: bytes | None,
    file_hash: bytes | None,
    tries: int,
    reason: str | None,
    approved_at: datetime | None,
    sent_at: datetime | None,
    ended_at: datetime | None,
) -> None:
    """Saves a payout under its lock."""


@MERCHANT.statement("""
INSERT INTO bank_accounts (merchant_id, account_id, asset, scheme, holder, masked, sealed, deposits,
  state, added_by,
  added_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'added', $9, $10)
""")
async def add_account(
    db: Tx,
    merchant_id: UUID,
    account_id: UUID,
    asset: str,
    scheme: Literal["us", "iban"],
    holder: str,
    masked: str,
    sealed: bytes,
    deposits: bytes,
    added_by: str,
    added_at: datetime,
) -> None:
    """Adds an account that is not proved yet. `added_at` is business time."""


async def lock_account(db: Tx, merchant_id: UUID, account_id: UUID) -> AccountRow | None:
    """Locks all of the merchant's accounts: one becoming active ends another."""
    await _lock_accounts(db, merchant_id)
    return await find_account(db, merchant_id, account_id)


@MERCHANT.statement(
    "SELECT account_id FROM bank_accounts WHERE merchant_id = $1 ORDER BY account_id FOR UPDATE"
)
async def _lock_accounts(db: Tx, merchant_id: UUID) -> list[UUID]:
    """Locks the accounts in one order."""


async def save_account(db: Tx, row: AccountRow) -> None:
    """Saves what may change of it."""
    await _save_account(
        db,
        row.merchant_id,
        row.account_id,
        row.state,
        row.tries,
        row.verified_at,
        row.approved_by,
        row.active_at,
        row.ended_at,
        row.reason,
    )


@MERCHANT.statement("""
UPDATE bank_accounts SET state = $3, tries = $4, verified_at = $5, approved_by = $6, active_at = $7,
  ended_at = $8,
  reason = $9
WHERE merchant_id = $1 AND account_id = $2
""")
async def _save_account(
    db: Tx,
    merchant_id: UUID,
    account_id: UUID,
    state: str,
    tries: int,
    verified_at: datetime | None,
    approved_by: str | None,
    active_at: datetime | None,
    ended_at: datetime | None,
    reason: str | None,
) -> None:
    """Saves an account under its lock."""


@MERCHANT.statement(
    "INSERT INTO adjustments SELECT * FROM jsonb_populate_record(NULL::adjustments, $1) RETURNING 1"
)
async def add_adjustment(db: Tx, adjustment: Adjustment) -> None:
    """Booked, or waiting for a second person."""


class LockedAdjustment(Adjustment):
    """`offset_us`: its merchant's."""

    offset_us: int


@MERCHANT.statement("""
SELECT a.merchant_id, a.adjustment_id, a.asset, a.units, a.note, a.state, a.made_by, a.decided_by,
  a.created_at,
  a.decided_at, m.offset_us
FROM adjustments a JOIN merchants m USING (merchant_id)
WHERE a.merchant_id = $1 AND a.adjustment_id = $2 FOR UPDATE OF a
""")
async def lock_adjustment(
    db: Tx, merchant_id: UUID, adjustment_id: UUID
) -> LockedAdjustment | None:
    """Locks an adjustment; None for a foreign or unknown id."""


@MERCHANT.statement("""
UPDATE adjustments SET state = $3, decided_by = $4, decided_at = $5 WHERE merchant_id = $1
  AND adjustment_id = $2
""")
async def decide_adjustment(
    db: Tx, merchant_id: UUID, adjustment_id: UUID, state: str, decided_by: str, at: datetime
) -> None:
    """Booked or refused. Under its lock."""
