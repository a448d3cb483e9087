"""Sealed bank accounts and the files of payouts, in bounded steps, for a process that can open
them; what was booked from statements, runs and reports against their lines."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.bank.store.accounts import Scheme, SealedAccount
from recoup.db.statement import MERCHANT, Read, Row
from recoup.kernel.ids import LOWEST
from recoup.kit.proofs.walk import STATEMENT_SECONDS, of_merchant

ROWS_MAX: Final = 500


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
    """Accounts by their ids."""


class PayoutFile(Row, frozen=True):
    """File of a payout, as far as there is one, with the account that the payout goes to."""

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
    """Files of each payout that has one."""
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
    """Files by the payouts' ids."""


statements: Final = of_merchant(
    __name__,
    # Each posting says what a line suggested that somebody booked.
    of_posting="""
SELECT p.order_id, v.field || ' of posting ' || p.recipe || ' of line ' || p.source_id AS field,
  v.expected, v.found
FROM postings p
LEFT JOIN LATERAL (SELECT l.recipe, l.entries, l.asset FROM reconciliation_lines l
  JOIN reconciliation_runs r
    USING (merchant_id, run_id)
  WHERE l.merchant_id = p.merchant_id AND l.line_id = p.source_id AND l.booked_at IS NOT NULL
  ORDER BY l.booked_at, l.run_id LIMIT 1) l ON true
CROSS JOIN LATERAL (SELECT jsonb_agg(jsonb_build_array(e.account, e.place, e.units)
  ORDER BY e.line_no) AS entries,
  min(e.asset) AS asset FROM entries e WHERE e.merchant_id = p.merchant_id
    AND e.posting_id = p.posting_id) e
CROSS JOIN LATERAL (VALUES (1, 'booked line', 'one', CASE WHEN l.recipe IS NULL THEN 'none'
  ELSE 'one' END),
  (2, 'recipe', l.recipe, p.recipe), (3, 'entries', l.entries::text, e.entries::text),
  (4, 'currency', l.asset, e.asset),
  (5, 'order', 'none', coalesce(p.order_id::text, 'none'))
) v (no, field, expected, found)
WHERE p.merchant_id = $1 AND p.source_kind = 'reconciliation' AND v.expected IS DISTINCT
  FROM v.found
ORDER BY p.posting_id, v.no LIMIT 1000
""",
    of_line="""
SELECT l.order_id, 'posting of booked line ' || l.row_no || ' of run ' || l.run_id AS field,
  'one' AS expected,
  'none' AS found
FROM reconciliation_lines l
LEFT JOIN postings p ON p.merchant_id = l.merchant_id AND p.source_kind = 'reconciliation'
  AND p.source_id = l.line_id
  AND p.recipe = l.recipe
WHERE l.merchant_id = $1 AND l.booked_at IS NOT NULL AND p.posting_id IS NULL
  ORDER BY l.run_id, l.row_no LIMIT 1000
""",
    of_run="""
SELECT NULL::uuid AS order_id, v.field || ' of run ' || r.run_id AS field, v.expected, v.found
FROM reconciliation_runs r
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE line_no IS NOT NULL) AS lines,
  coalesce((SELECT jsonb_object_agg(outcome, times) FROM (SELECT outcome, count(*) AS times
    FROM reconciliation_lines k
    WHERE k.merchant_id = r.merchant_id AND k.run_id = r.run_id
      GROUP BY outcome) o), '{}') AS counts
  FROM reconciliation_lines l WHERE l.merchant_id = r.merchant_id AND l.run_id = r.run_id) l
CROSS JOIN LATERAL (VALUES (1, 'lines', l.lines::text, r.lines::text), (2, 'counts', l.counts::text,
  r.counts::text)
) v (no, field, expected, found)
WHERE r.merchant_id = $1 AND v.expected IS DISTINCT FROM v.found ORDER BY r.run_id, v.no LIMIT 1000
""",
    of_report="""
SELECT NULL::uuid AS order_id, v.field, v.expected, v.found FROM (
  SELECT 'event of report ' || r.report_id AS field, 'reconciliation.ready' AS expected,
    coalesce(x.event, 'none') AS found
  FROM reconciliation_reports r LEFT JOIN outbox x ON x.merchant_id = r.merchant_id
    AND x.subject_id = r.report_id
  WHERE r.merchant_id = $1
  UNION ALL
  SELECT 'begin of report ' || report_id, 'not before ' || before, period_from::text FROM (
    SELECT report_id, period_from, lag(period_to) OVER (ORDER BY period_to) AS before
      FROM reconciliation_reports
    WHERE merchant_id = $1) r WHERE period_from < before
  UNION ALL
  SELECT 'due work reconciliation', 'due', 'none' FROM reconciliation_clocks c
    WHERE c.merchant_id = $1
    AND NOT EXISTS (SELECT FROM due_work d WHERE d.merchant_id = c.merchant_id
      AND d.kind = 'reconciliation'
      AND d.subject_id = c.merchant_id)
) v WHERE v.expected IS DISTINCT FROM v.found ORDER BY v.field LIMIT 1000
""",
)
