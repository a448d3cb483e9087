"""What moved on a merchant's account, in the order of booking; + is in the merchant's favour.

One line a movement: an entry on what the merchant is owed. A payout is one when it was sent, and when it came back:
before, what is scheduled is owed like the rest. A fee that was booked with the approval or refund that it is of
stands in that line, so that the lines' amounts and fees add up to the ledger's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from recoup.rules.money.ledger import WALLET

STATEMENT_SECONDS: Final = 120.0
FEES: Final = ("fee", "fee_returned", "fee_taken_back")  # each told in the line of what it is the fee of
_OF: Final = "CASE p.recipe WHEN 'fee' THEN 'approve' WHEN 'fee_returned' THEN 'refund_owed' ELSE 'refund_refused' END"
SENT: Final = ("paid_out", "payout_bounced", "payout_paid")
_SCHEDULED: Final = ("settlement_closed", "payout_requested", "payout_returned")
_OWED: Final = f"""(e.account = 'merchant_payable' AND p.recipe NOT IN {_SCHEDULED}
    OR e.account IN ('settlement_due', 'payout_due') AND p.recipe IN {SENT})"""
_PLACE: Final = f"CASE e.account WHEN 'payout_due' THEN '{WALLET}' ELSE e.place END"
_MOVEMENTS = f"""
WITH page AS MATERIALIZED (
  SELECT p.posting_id, p.source_kind, p.source_id, p.recipe, p.order_id, p.business_at, e.line_no, e.asset,
    {_PLACE} AS place, -e.units AS units
  FROM postings p
  JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id AND {_OWED}
  WHERE p.merchant_id = $1 AND p.business_at >= $2 AND p.business_at < $3
    AND (p.business_at, p.posting_id, e.line_no) > ($4, $5, $6)
    AND (p.recipe NOT IN {FEES} OR NOT EXISTS (SELECT FROM postings q
      WHERE q.merchant_id = p.merchant_id AND q.source_kind = p.source_kind AND q.source_id = p.source_id
        AND q.recipe = {_OF} AND q.business_at = p.business_at))
  ORDER BY p.business_at, p.posting_id, e.line_no LIMIT $7
)
SELECT p.*, coalesce(-fe.units, 0) AS fee_units, o.external_id, o.placed_at, o.site_id, o.descriptor, s.name AS site,
  coalesce(l.batch_id, b.batch_id) AS batch_id,
  coalesce(a.reference, r.reference, x.tx_hash, w.reference, b.reference) AS reference
FROM page p
LEFT JOIN postings f ON f.merchant_id = $1 AND f.source_kind = p.source_kind AND f.source_id = p.source_id
  AND f.business_at = p.business_at
  AND f.recipe = CASE p.recipe WHEN 'approve' THEN 'fee' WHEN 'refund_owed' THEN 'fee_returned'
    WHEN 'refund_refused' THEN 'fee_taken_back' END
LEFT JOIN entries fe ON fe.merchant_id = $1 AND fe.posting_id = f.posting_id AND fe.account = 'merchant_payable'
LEFT JOIN orders o ON o.merchant_id = $1 AND o.order_id = p.order_id
LEFT JOIN sites s ON s.merchant_id = $1 AND s.site_id = o.site_id
LEFT JOIN settlement_lines l ON l.merchant_id = $1 AND l.posting_id = p.posting_id AND l.line_no = p.line_no
LEFT JOIN attempts a ON a.merchant_id = $1 AND a.attempt_id = p.source_id AND p.source_kind = 'attempt'
LEFT JOIN refunds r ON r.merchant_id = $1 AND r.refund_id = p.source_id AND p.source_kind = 'refund'
LEFT JOIN settlements x ON x.merchant_id = $1 AND x.settlement_id = p.source_id AND p.source_kind = 'settlement'
LEFT JOIN payouts w ON w.merchant_id = $1 AND w.payout_id = p.source_id AND p.source_kind = 'payout'
LEFT JOIN bank_payouts b ON b.merchant_id = $1 AND b.payout_id = p.source_id AND p.source_kind = 'bank_payout'
ORDER BY p.business_at, p.posting_id, p.line_no
"""  # noqa: S608 - ours
# The ledger's own sums, whatever lines were made of it.
_TOTALS = f"""
SELECT e.asset, {_PLACE} AS place, p.recipe, count(*) AS entries, -sum(e.units) AS units
FROM postings p
JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id AND {_OWED}
WHERE p.merchant_id = $1 AND p.business_at >= $2 AND p.business_at < $3
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""  # noqa: S608 - ours
_DIFFERENCES = """
SELECT count(*) FROM reconciliation_lines l
WHERE l.merchant_id = $1 AND l.dated >= $2 AND l.dated < $3 AND l.outcome NOT IN ('matched', 'refused')
  AND l.booked_at IS NULL AND l.run_id IN (SELECT DISTINCT ON (file_hash) run_id FROM reconciliation_runs
    WHERE merchant_id = $1 ORDER BY file_hash, created_at DESC)
"""
_REPORT = "SELECT period_from, period_to FROM reconciliation_reports WHERE merchant_id = $1 AND report_id = $2"
_FIRST = "SELECT min(business_at) FROM postings WHERE merchant_id = $1"


class Place(NamedTuple):
    """Where a list stands: behind this line."""

    at: datetime
    posting_id: UUID
    line_no: int


async def movements(
    connection: asyncpg.Connection, merchant_id: UUID, span: tuple[datetime, datetime], after: Place | None, limit: int
) -> Sequence[asyncpg.Record]:
    """`span`: from the first instant up to the second, by the date of booking."""
    place = after or Place(span[0], UUID(int=0), 0)
    begin = max(span[0], place.at)
    return await connection.fetch(  # type: ignore[no-any-return]
        _MOVEMENTS, merchant_id, begin, span[1], *place, limit, timeout=STATEMENT_SECONDS
    )


async def totals(
    connection: asyncpg.Connection, merchant_id: UUID, span: tuple[datetime, datetime]
) -> Sequence[asyncpg.Record]:
    """By currency, place and recipe."""
    return await connection.fetch(_TOTALS, merchant_id, *span, timeout=STATEMENT_SECONDS)  # type: ignore[no-any-return]


async def open_differences(connection: asyncpg.Connection, merchant_id: UUID, span: tuple[datetime, datetime]) -> int:
    """Lines of the newest comparison of each statement, dated in the span, that do not match and nobody has booked."""
    return int(await connection.fetchval(_DIFFERENCES, merchant_id, *span, timeout=STATEMENT_SECONDS))


async def report_span(
    connection: asyncpg.Connection, merchant_id: UUID, report_id: UUID
) -> tuple[datetime, datetime] | None:
    """Of a report that an event told of."""
    row = await connection.fetchrow(_REPORT, merchant_id, report_id)
    return (row[0], row[1]) if row else None


async def first_booked(connection: asyncpg.Connection, merchant_id: UUID) -> datetime | None:
    return await connection.fetchval(_FIRST, merchant_id)  # type: ignore[no-any-return]
