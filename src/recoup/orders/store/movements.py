"""Movements on a merchant's account, in the order of booking; + is in the merchant's favour.

One line a movement: an entry on the amount due to the merchant. A payout is one when it was sent,
and when it came back: before, what is scheduled is due like the rest. A fee that was booked with
the approval or refund that it is of stands in that line, so that the lines' amounts and fees add up
to the ledger's.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from recoup.db.known import known_at
from recoup.db.statement import MERCHANT, Read, Row
from recoup.kit.as_of import Window
from recoup.orders.rules.ledger import WALLET
from recoup.orders.store.rows import LedgerLine

STATEMENT_SECONDS: Final = 120.0
FEES: Final = (
    "fee",
    "fee_returned",
    "fee_taken_back",
)  # each shown in the line that it is the fee of
_OF: Final = (
    "CASE p.recipe WHEN 'fee' THEN 'approve' WHEN 'fee_returned' THEN 'refund_owed' ELSE "
    "'refund_refused' END"
)
SENT: Final = ("paid_out", "payout_bounced", "payout_paid")
_SCHEDULED: Final = ("settlement_closed", "payout_requested", "payout_returned")
_OWED: Final = f"""(e.account = 'merchant_payable' AND p.recipe NOT IN {_SCHEDULED}
    OR e.account IN ('settlement_due', 'payout_due') AND p.recipe IN {SENT})"""
_PLACE: Final = f"CASE e.account WHEN 'payout_due' THEN '{WALLET}' ELSE e.place END"
_KNOWN: Final = known_at("p", 4)
# A refund is owed before it is made: its reference came with the line that says so. All others come
# with the posting.
_REFUNDED_AS: Final = f"""CASE WHEN r.reference IS NOT NULL AND EXISTS (SELECT 1 FROM order_log g
    WHERE g.merchant_id = $1
    AND g.order_id = p.order_id AND g.fact_id = r.modification_id
    AND g.happening IN ('refund_done', 'part_captured', 'reversed')
    AND {known_at("g", 4)}) THEN r.reference END"""


class Place(NamedTuple):
    """Place in a list: behind this line."""

    at: datetime
    posting_id: UUID
    line_no: int


class MovementLine(LedgerLine):
    """An entry on what the merchant is owed. `fee_units` was booked
    with it. `site`: its name. `batch_id`: of the settlement that took it."""

    asset: str
    place: str
    fee_units: int
    site: str | None
    batch_id: UUID | None
    reference: str | None


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
WITH page AS MATERIALIZED (
  SELECT p.posting_id, p.source_kind, p.source_id, p.recipe, p.order_id, p.business_at, e.line_no,
    e.asset,
    {_PLACE} AS place, -e.units AS units
  FROM postings p
  JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id AND {_OWED}
  WHERE p.merchant_id = $1 AND p.business_at >= $2 AND p.business_at < $3 AND {_KNOWN}
    AND (p.business_at, p.posting_id, e.line_no) > ($6, $7, $8)
    AND (p.recipe NOT IN {FEES} OR NOT EXISTS (SELECT 1 FROM postings q
      WHERE q.merchant_id = p.merchant_id AND q.source_kind = p.source_kind
        AND q.source_id = p.source_id
        AND q.recipe = {_OF} AND q.business_at = p.business_at))
  ORDER BY p.business_at, p.posting_id, e.line_no LIMIT $9
)
SELECT p.posting_id, p.source_kind, p.source_id, p.recipe, p.business_at, p.order_id, p.line_no,
  p.units,
  o.external_id, o.placed_at, o.site_id, o.descriptor, p.asset, p.place,
  coalesce(-fe.units, 0) AS fee_units, s.name AS site,
  coalesce(CASE WHEN {known_at("n", 4, "closed_at")} THEN l.batch_id END, b.batch_id) AS batch_id,
  coalesce(a.reference, {_REFUNDED_AS}, x.tx_hash, w.reference, b.reference) AS reference
FROM page p
LEFT JOIN postings f ON f.merchant_id = $1 AND f.source_kind = p.source_kind
  AND f.source_id = p.source_id
  AND f.business_at = p.business_at
  AND f.recipe = CASE p.recipe WHEN 'approve' THEN 'fee' WHEN 'refund_owed' THEN 'fee_returned'
    WHEN 'refund_refused' THEN 'fee_taken_back' END
LEFT JOIN entries fe ON fe.merchant_id = $1 AND fe.posting_id = f.posting_id
  AND fe.account = 'merchant_payable'
LEFT JOIN orders o ON o.merchant_id = $1 AND o.order_id = p.order_id
LEFT JOIN sites s ON s.merchant_id = $1 AND s.site_id = o.site_id
LEFT JOIN settlement_lines l ON l.merchant_id = $1 AND l.posting_id = p.posting_id
  AND l.line_no = p.line_no
LEFT JOIN settlement_batches n ON n.merchant_id = $1 AND n.batch_id = l.batch_id
LEFT JOIN attempts a ON a.merchant_id = $1 AND a.attempt_id = p.source_id
  AND p.source_kind = 'attempt'
LEFT JOIN modifications r ON r.merchant_id = $1 AND r.modification_id = p.source_id
  AND p.source_kind = 'refund'
LEFT JOIN settlements x ON x.merchant_id = $1 AND x.settlement_id = p.source_id
  AND p.source_kind = 'settlement'
LEFT JOIN payouts w ON w.merchant_id = $1 AND w.payout_id = p.source_id AND p.source_kind = 'payout'
LEFT JOIN bank_payouts b ON b.merchant_id = $1 AND b.payout_id = p.source_id
  AND p.source_kind = 'bank_payout'
ORDER BY p.business_at, p.posting_id, p.line_no
""")
async def _movements(
    db: Read,
    merchant_id: UUID,
    window: Window,
    at: datetime,
    posting_id: UUID,
    line_no: int,
    limit: int,
) -> list[MovementLine]:
    """Movements behind that line."""


async def movements(
    db: Read, merchant_id: UUID, window: Window, after: Place | None, limit: int
) -> list[MovementLine]:
    """Movements in the order of booking."""
    place = after or Place(window.begin, UUID(int=0), 0)
    return await _movements(
        db, merchant_id, window._replace(begin=max(window.begin, place.at)), *place, limit
    )


class MovementSum(Row, frozen=True):
    asset: str
    place: str
    recipe: str
    entries: int
    units: Decimal


# The ledger's own sums, whatever lines were made of it.
_TOTALS: Final = f"""
SELECT e.asset, {_PLACE} AS place, p.recipe, count(*) AS entries, -sum(e.units) AS units
FROM postings p
JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id AND {_OWED}
WHERE p.merchant_id = $1 AND p.business_at >= $2 AND p.business_at < $3 AND {_KNOWN}
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""  # noqa: S608 - ours


@MERCHANT.within(STATEMENT_SECONDS).statement(_TOTALS)
async def totals(db: Read, merchant_id: UUID, window: Window) -> list[MovementSum]:
    """Totals by currency, place and recipe."""


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT count(*) FROM reconciliation_lines l
WHERE l.merchant_id = $1 AND l.dated >= $2 AND l.dated < $3
  AND l.outcome NOT IN ('matched', 'refused')
  AND l.booked_at IS NULL AND l.run_id IN (SELECT DISTINCT ON (file_hash) run_id
    FROM reconciliation_runs
    WHERE merchant_id = $1 ORDER BY file_hash, created_at DESC)
""")
async def _open_differences(db: Read, merchant_id: UUID, begin: datetime, end: datetime) -> int:
    """Counts the open differences."""


async def open_differences(db: Read, merchant_id: UUID, span: tuple[datetime, datetime]) -> int:
    """Lines of the newest comparison of each statement, dated in the span, that do not match and
    nobody has booked."""
    return await _open_differences(db, merchant_id, *span)


class ReportSpan(NamedTuple):
    period_from: datetime
    period_to: datetime


@MERCHANT.statement("""
SELECT period_from, period_to FROM reconciliation_reports WHERE merchant_id = $1 AND report_id = $2
""")
async def report_span(db: Read, merchant_id: UUID, report_id: UUID) -> ReportSpan | None:
    """The span of a report that an event announced."""


@MERCHANT.statement("SELECT min(business_at) FROM postings WHERE merchant_id = $1")
async def first_booked(db: Read, merchant_id: UUID) -> datetime | None:
    """The time of the first posting; None before it."""
