"""A merchant's stablecoin balances and their movements: the ledger's own entries, closed pages and
what is open."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, ReadConnection, Row
from recoup.kit.lists.bounded import bounded

COUNT_TIMEOUT_MS = 2_000


class Balance(Row):
    """Balance of a wallet. `at`: when it last moved. Wall time."""

    asset: str
    units: int
    at: datetime


# What the merchant is owed is a credit: balances and movements are the entries with their sign
# turned.
_BALANCES: Final = """
SELECT asset, -sum(units)::bigint AS units, max(at) AS at FROM (
  SELECT b.asset, b.units, p.closed_at AS at FROM account_balances b
  JOIN pages p ON p.merchant_id = b.merchant_id AND p.page_no = b.page_no
  WHERE b.merchant_id = $1 AND b.account = 'merchant_payable' AND b.place = 'wallet'
  UNION ALL
  SELECT e.asset, e.units, q.recorded_at FROM postings_queue q
    JOIN entries e USING (merchant_id, posting_id)
  WHERE q.merchant_id = $1 AND e.account = 'merchant_payable'
    AND e.place = 'wallet'
) x WHERE $2::text IS NULL OR asset = $2 GROUP BY asset ORDER BY asset
"""


@MERCHANT.statement(_BALANCES)
async def balances(db: Read, merchant_id: UUID, asset: str | None = None) -> list[Balance]:
    """Balances by currency."""


# Direct money that has not left yet stands in the wallet too, but it is on its way to the
# merchant's own: read in one statement, so that no settlement ends in between.
_AVAILABLE: Final = f"""
SELECT (coalesce((SELECT units FROM ({_BALANCES}) b), 0) - coalesce((SELECT sum(units)
  FROM settlements
  WHERE merchant_id = $1 AND asset = $2 AND state NOT IN ('confirmed', 'failed')), 0))::bigint
"""


@MERCHANT.statement(_AVAILABLE)
async def available(db: Read, merchant_id: UUID, asset: str) -> int:
    """Units that may leave now, by a payout or a refund. Only under the wallet's lock."""


class RefundRoom(Row):
    """Bounds of an order's refund: what its wallet holds, and its fee with the policy of its
    return."""

    free: int
    fee: int
    fee_refund: str | None


@MERCHANT.statement(f"""
SELECT ({_AVAILABLE}) AS free, coalesce((l.body ->> 'fee')::bigint, 0) AS fee,
  l.body ->> 'fee_refund' AS fee_refund
FROM order_log l WHERE l.merchant_id = $1 AND l.order_id = $3 AND l.happening = 'collected'
""")
async def refund_room(db: Read, merchant_id: UUID, asset: str, order_id: UUID) -> RefundRoom | None:
    """Bounds of an order's refund; None for an order that nobody has paid."""


class WalletMovement(Row):
    """`reference`: a transaction's hash, or a note."""

    posting_id: UUID
    recipe: str
    order_id: UUID | None
    source_id: UUID
    business_at: datetime
    asset: str
    units: int
    balance_after: int
    reference: str


@MERCHANT.statement("""
WITH open AS (
  SELECT p.posting_id, p.recipe, p.order_id, p.source_id, p.business_at, e.asset, -e.units AS units,
    -(coalesce(b.units, 0) + sum(e.units) OVER (PARTITION BY e.asset
      ORDER BY p.posting_id)) AS balance_after
  FROM postings_queue q JOIN postings p USING (merchant_id, posting_id)
  JOIN entries e USING (merchant_id, posting_id)
  LEFT JOIN account_balances b ON b.merchant_id = $1 AND b.account = 'merchant_payable'
    AND b.place = 'wallet'
    AND b.asset = e.asset
  WHERE q.merchant_id = $1 AND e.account = 'merchant_payable'
    AND e.place = 'wallet'
), closed AS (
  SELECT p.posting_id, p.recipe, p.order_id, p.source_id, p.business_at, e.asset, -e.units AS units,
    -e.balance_after AS balance_after, s.page_no, s.position
  FROM page_lines s JOIN postings p USING (merchant_id, posting_id)
  JOIN entries e USING (merchant_id, posting_id)
  WHERE s.merchant_id = $1 AND e.account = 'merchant_payable'
    AND e.place = 'wallet'
  ORDER BY s.page_no DESC, s.position DESC LIMIT $2::bigint + $3::bigint
), page AS (
  SELECT *, NULL::bigint AS page_no, NULL::int AS position FROM open UNION ALL SELECT * FROM closed
  ORDER BY page_no DESC NULLS FIRST, position DESC, posting_id DESC
    LIMIT $2::bigint OFFSET $3::bigint
)
SELECT m.posting_id, m.recipe, m.order_id, m.source_id, m.business_at, m.asset, m.units,
  m.balance_after::bigint AS balance_after, coalesce(s.tx_hash, a.reference, o.reference, r.message,
    '') AS reference
FROM page m
LEFT JOIN settlements s ON s.merchant_id = $1 AND s.settlement_id = m.source_id
LEFT JOIN attempts a ON a.merchant_id = $1 AND a.attempt_id = m.source_id
LEFT JOIN payouts o ON o.merchant_id = $1 AND o.payout_id = m.source_id
LEFT JOIN modifications r ON r.merchant_id = $1 AND r.modification_id = m.source_id
ORDER BY m.page_no DESC NULLS FIRST, m.position DESC, m.posting_id DESC
""")
async def _movements(db: Read, merchant_id: UUID, limit: int, offset: int) -> list[WalletMovement]:
    """Newest first."""


@MERCHANT.statement("""
SELECT count(*) FROM entries WHERE merchant_id = $1 AND account = 'merchant_payable'
  AND place = 'wallet'
""")
async def _count(db: Read, merchant_id: UUID) -> int:
    """However long it takes."""


async def movements(
    connection: ReadConnection, merchant_id: UUID, limit: int, offset: int, total: int | None = None
) -> tuple[list[WalletMovement], int]:
    """Newest first, with the exact total, which is counted unless it is known. Raises:
    asyncpg.QueryCanceledError when counting takes too long."""
    rows = await _movements(connection, merchant_id, limit, offset)
    if total is not None:
        return rows, total
    async with bounded(connection, COUNT_TIMEOUT_MS):
        return rows, await _count(connection, merchant_id)
