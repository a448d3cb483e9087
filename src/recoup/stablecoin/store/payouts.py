"""Payouts as their merchant sees them, and the wallets that they are decided under."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx, columns_of
from recoup.db.table import insert_of, stored

PayoutState = Literal[
    "requested", "approved", "executing", "processing", "paid", "rejected", "failed"
]


@stored("payouts")
class NewPayout(Row):
    """`created_at` is business time."""

    merchant_id: UUID
    payout_id: UUID
    asset: str
    units: int
    state: PayoutState
    destination_type: Literal["crypto", "bank"]
    destination: str
    amount_text: str
    actor: str
    created_at: datetime


class PayoutRow(NewPayout):
    reference: str | None
    reason: str | None


_COLUMNS: Final = f"SELECT {columns_of(PayoutRow)} FROM payouts WHERE merchant_id = $1"


@MERCHANT.statement(f"{_COLUMNS} ORDER BY payout_id DESC LIMIT $2 OFFSET $3")
async def list_payouts(db: Read, merchant_id: UUID, limit: int, offset: int) -> list[PayoutRow]:
    """Newest first."""


@MERCHANT.statement(f"{_COLUMNS} AND state = 'requested' ORDER BY payout_id LIMIT 100")
async def requested_payouts(db: Read, merchant_id: UUID) -> list[PayoutRow]:
    """Payouts that may wait for a second person, the oldest first."""


@MERCHANT.statement(f"{_COLUMNS} AND payout_id = $2")
async def find_payout(db: Read, merchant_id: UUID, payout_id: UUID) -> PayoutRow | None:
    """The payout of that id; None for a foreign or unknown id."""


async def lock_wallet(db: Tx, merchant_id: UUID, asset: str, at: datetime) -> None:
    """Makes the wallet's row when it is the first time."""
    await _make_wallet(db, merchant_id, asset, at)
    await _lock_wallet(db, merchant_id, asset)


@MERCHANT.statement(
    "INSERT INTO wallets (merchant_id, asset, created_at) VALUES ($1, $2, $3) ON CONFLICT DO "
    "NOTHING"
)
async def _make_wallet(db: Tx, merchant_id: UUID, asset: str, at: datetime) -> None:
    """Makes the wallet of one currency."""


@MERCHANT.statement("SELECT 1 FROM wallets WHERE merchant_id = $1 AND asset = $2 FOR UPDATE")
async def _lock_wallet(db: Tx, merchant_id: UUID, asset: str) -> None:
    """Locks a wallet until the transaction ends."""


@MERCHANT.statement(insert_of(NewPayout, single=True) + "RETURNING 1")
async def add_payout(db: Tx, payout: NewPayout) -> None:
    """Adds a payout under its wallet's lock."""


class LockedPayout(Row):
    """`offset_us` and `killed` are its merchant's."""

    merchant_id: UUID
    payout_id: UUID
    asset: str
    units: int
    state: PayoutState
    destination: str
    actor: str
    tries: int
    offset_us: int
    killed: bool


@MERCHANT.statement("""
SELECT p.merchant_id, p.payout_id, p.asset, p.units, p.state, p.destination, p.actor, p.tries,
  m.offset_us, m.killed
FROM payouts p JOIN merchants m USING (merchant_id)
WHERE p.merchant_id = $1 AND p.payout_id = $2 FOR UPDATE OF p
""")
async def lock_payout(db: Tx, merchant_id: UUID, payout_id: UUID) -> LockedPayout | None:
    """Locks a payout; None for a foreign or unknown id."""


@MERCHANT.statement("""
UPDATE payouts SET state = $3, reference = $4, reason = $5, tries = $6 WHERE merchant_id = $1
  AND payout_id = $2
""")
async def change_payout(
    db: Tx,
    merchant_id: UUID,
    payout_id: UUID,
    *,
    state: str,
    reference: str | None,
    reason: str | None,
    tries: int,
) -> None:
    """Changes a payout under its lock."""
