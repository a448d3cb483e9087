"""The clock of a merchant's reconciliation reports, and the reports that were announced."""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import MERCHANT, Row, Tx


@MERCHANT.statement("""
INSERT INTO reconciliation_clocks (merchant_id, period_from) VALUES ($1, $2) ON CONFLICT DO NOTHING
  RETURNING true
""")
async def begin_clock(db: Tx, merchant_id: UUID, period_from: datetime) -> bool:
    """Starts the clock; False when it goes already."""


class ReportClock(Row):
    """`period_from`: of the first period without an announced report."""

    period_from: datetime
    offset_us: int


@MERCHANT.statement("""
SELECT c.period_from, m.offset_us FROM reconciliation_clocks c JOIN merchants m USING (merchant_id)
WHERE c.merchant_id = $1 FOR UPDATE OF c
""")
async def lock_clock(db: Tx, merchant_id: UUID) -> ReportClock | None:
    """Its holder announces this merchant's report; others wait."""


@MERCHANT.statement("UPDATE reconciliation_clocks SET period_from = $2 WHERE merchant_id = $1")
async def move_clock(db: Tx, merchant_id: UUID, period_from: datetime) -> None:
    """Moves the clock on to the next period."""


@MERCHANT.statement("""
INSERT INTO reconciliation_reports (merchant_id, report_id, period_from, period_to, lines,
  differences, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
""")
async def add_report(
    db: Tx,
    merchant_id: UUID,
    report_id: UUID,
    period_from: datetime,
    period_to: datetime,
    lines: int,
    differences: int,
    created_at: datetime,
) -> None:
    """`created_at` is business time."""
