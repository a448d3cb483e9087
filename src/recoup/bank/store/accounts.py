"""Bank accounts, payouts and adjustments, as pages and flows read them."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, columns_of
from recoup.processors.gateways.port import StatementLine

ROWS_MAX: Final = 200
PayoutState = Literal["created", "approved", "sent", "paid", "returned"]
Scheme = Literal["us", "iban"]


class ActiveAccount(Row, frozen=True):
    """The account of a currency that takes payouts, `active_at` since when."""

    account_id: UUID
    masked: str
    added_by: str
    active_at: datetime


@MERCHANT.statement("""
SELECT account_id, masked, added_by, active_at FROM bank_accounts
WHERE merchant_id = $1 AND asset = $2 AND state = 'active'
""")
async def active_account(db: Read, merchant_id: UUID, asset: str) -> ActiveAccount | None:
    """The active account of a currency; at most one is."""


class SealedAccount(Row):
    """`sealed`: its numbers; `deposits`: the two amounts that prove who reads its statement,
    sealed. `masked` is what anybody sees."""

    account_id: UUID
    scheme: Scheme
    holder: str
    masked: str
    sealed: bytes
    deposits: bytes


class AccountRow(SealedAccount):
    """Business time."""

    merchant_id: UUID
    asset: str
    state: Literal["added", "verified", "active", "replaced", "refused"]
    tries: int
    added_by: str
    added_at: datetime
    verified_at: datetime | None
    approved_by: str | None
    active_at: datetime | None
    ended_at: datetime | None
    reason: str | None


_ACCOUNT: Final = f"""
SELECT {columns_of(AccountRow)}
FROM bank_accounts WHERE merchant_id = $1
"""


@MERCHANT.statement(f"{_ACCOUNT} AND account_id = $2")
async def find_account(db: Read, merchant_id: UUID, account_id: UUID) -> AccountRow | None:
    """Finds an account; None for a foreign or unknown id."""


@MERCHANT.statement(f"{_ACCOUNT} ORDER BY added_at DESC, account_id DESC LIMIT {ROWS_MAX}")
async def list_accounts(db: Read, merchant_id: UUID) -> list[AccountRow]:
    """Newest first, at most ROWS_MAX."""


@MERCHANT.statement("SELECT count(*) FROM bank_accounts WHERE merchant_id = $1")
async def count_accounts(db: Read, merchant_id: UUID) -> int:
    """Refused and replaced ones too."""


class LastReturn(Row, frozen=True):
    account_id: UUID
    reason: str | None
    ended_at: datetime


@MERCHANT.statement("""
SELECT a.account_id, p.reason, p.ended_at FROM bank_accounts a CROSS JOIN LATERAL (
  SELECT state, reason, ended_at FROM bank_payouts
  WHERE merchant_id = $1 AND account_id = a.account_id AND ended_at IS NOT NULL
    ORDER BY ended_at DESC LIMIT 1) p
WHERE a.merchant_id = $1 AND p.state = 'returned'
""")
async def last_returns(db: Read, merchant_id: UUID) -> dict[UUID, LastReturn]:
    """Accounts whose last payout came back: why, and when."""


class PayoutTry(Row):
    """`payout_no` counts the tries to pay a batch."""

    payout_id: UUID
    payout_no: int
    state: PayoutState
    units: int
    asset: str


class PayoutHead(PayoutTry):
    batch_id: UUID
    reference: str
    requested_by: str
    approved_by: str | None
    account_id: UUID | None
    file_name: str | None
    reason: str | None
    created_at: datetime
    approved_at: datetime | None
    sent_at: datetime | None
    ended_at: datetime | None
    tries: int


class PayoutRow(PayoutHead, frozen=True):
    """`file_hash` in hex. `masked`, `holder`: its account's, since its approval."""

    file_hash: str | None
    masked: str | None
    holder: str | None


_PAYOUT: Final = f"""
SELECT {columns_of(PayoutHead, "p")}, encode(p.file_hash, 'hex') AS file_hash, a.masked, a.holder
FROM bank_payouts p LEFT JOIN bank_accounts a USING (merchant_id, account_id)
"""


@MERCHANT.statement(f"{_PAYOUT} WHERE p.merchant_id = $1 AND p.batch_id = $2 ORDER BY p.payout_no")
async def payouts_of(db: Read, merchant_id: UUID, batch_id: UUID) -> list[PayoutRow]:
    """The tries to pay a batch, first to last."""


@MERCHANT.statement(f"{_PAYOUT} WHERE p.merchant_id = $1 AND p.payout_id = $2")
async def find_payout(db: Read, merchant_id: UUID, payout_id: UUID) -> PayoutRow | None:
    """Finds a payout; None for a foreign or unknown id."""


@MERCHANT.statement(f"""{_PAYOUT} WHERE p.merchant_id = $1
  AND p.state IN ('created', 'approved', 'sent')
  AND ($2::text IS NULL OR p.asset = $2)
ORDER BY p.created_at, p.payout_id LIMIT {ROWS_MAX}""")
async def open_payouts(db: Read, merchant_id: UUID, asset: str | None = None) -> list[PayoutRow]:
    """Payouts that wait for somebody, oldest first, at most ROWS_MAX; of one currency when it is
    named."""


@MERCHANT.statement("""
SELECT asset, count(*) AS payouts FROM bank_payouts
WHERE merchant_id = $1 AND state IN ('created', 'approved', 'sent') GROUP BY asset ORDER BY asset
""")
async def open_payout_counts(db: Read, merchant_id: UUID) -> dict[str, int]:
    """Currency -> how many payouts wait for somebody."""


class LastPayout(PayoutTry):
    period_to: datetime


@MERCHANT.statement("""
SELECT o.payout_id, o.payout_no, o.state, o.units, o.asset, b.period_to
FROM bank_payouts o JOIN settlement_batches b USING (merchant_id, batch_id)
WHERE o.merchant_id = $1 AND o.batch_id = $2
ORDER BY o.payout_no DESC LIMIT 1
""")
async def last_payout(db: Read, merchant_id: UUID, batch_id: UUID) -> LastPayout | None:
    """The last try to pay a batch."""


@MERCHANT.statement("SELECT payout_id FROM bank_payouts WHERE merchant_id = $1 AND reference = $2")
async def payout_by_reference(db: Read, merchant_id: UUID, reference: str) -> UUID | None:
    """Finds a payout by what the bank statement shows."""


class PayoutFile(Row, frozen=True):
    """`file` is sealed."""

    file_name: str
    file: bytes


@MERCHANT.statement("""
SELECT file_name, file FROM bank_payouts WHERE merchant_id = $1 AND payout_id = $2
  AND file IS NOT NULL
""")
async def payout_file(db: Read, merchant_id: UUID, payout_id: UUID) -> PayoutFile | None:
    """The file of a payout; None before it is made."""


class Adjustment(Row, frozen=True):
    """Units + in the merchant's favour. Business time."""

    merchant_id: UUID
    adjustment_id: UUID
    asset: str
    units: int
    note: str
    state: Literal["waiting", "booked", "refused"]
    made_by: str
    decided_by: str | None
    created_at: datetime
    decided_at: datetime | None


@MERCHANT.statement(f"""
SELECT merchant_id, adjustment_id, asset, units, note, state, made_by, decided_by, created_at,
  decided_at FROM (
  (SELECT * FROM adjustments WHERE merchant_id = $1 AND state = 'waiting' ORDER BY created_at DESC
    LIMIT {ROWS_MAX})
  UNION ALL
  (SELECT * FROM adjustments WHERE merchant_id = $1 AND state <> 'waiting'
    ORDER BY created_at DESC, adjustment_id DESC LIMIT {ROWS_MAX})) a
ORDER BY state <> 'waiting', created_at DESC, adjustment_id DESC LIMIT {ROWS_MAX}
""")
async def list_adjustments(db: Read, merchant_id: UUID) -> list[Adjustment]:
    """Adjustments, those that wait first, then newest first, at most ROWS_MAX."""


@MERCHANT.statement("""
SELECT merchant_id, adjustment_id, asset, units, note, state, made_by, decided_by, created_at,
  decided_at
FROM adjustments WHERE merchant_id = $1 AND adjustment_id = $2
""")
async def find_adjustment(db: Read, merchant_id: UUID, adjustment_id: UUID) -> Adjustment | None:
    """Finds an adjustment; None for a foreign or unknown id."""


@MERCHANT.statement("""
SELECT coalesce(sum(abs(units)), 0)::bigint FROM adjustments
WHERE merchant_id = $1 AND asset = $2 AND made_by = $3 AND created_at > $4 AND state = 'booked'
  AND decided_by IS NULL
""")
async def adjusted_alone(
    db: Read, merchant_id: UUID, asset: str, made_by: str, since: datetime
) -> int:
    """The amount that one person booked since then without a second one, in both directions.
    Units."""


@MERCHANT.statement("""
SELECT o.payout_id AS id, o.reference, t.type, o.units, o.asset AS currency, t.at
FROM bank_payouts o
CROSS JOIN LATERAL (VALUES ('payout', o.sent_at), ('payout_return',
  CASE WHEN o.state = 'returned' THEN o.ended_at END)) t (type, at)
WHERE o.merchant_id = $1 AND o.sent_at IS NOT NULL AND t.at IS NOT NULL
  ORDER BY t.at, o.payout_id, t.type
""")
async def payouts_sent(db: Read, merchant_id: UUID) -> list[StatementLine]:
    """Payouts sent to the bank, and what it returned."""
