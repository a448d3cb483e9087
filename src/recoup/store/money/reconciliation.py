"""Compared files: the runs, and their lines by outcome."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from recoup.kernel.kept_sentence import Kept
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row


class Run(Row, frozen=True):
    """`counts`: outcome -> lines. `notes`: remarks about the file for its readers. `created_at` is wall time."""

    run_id: UUID
    kind: Literal["processor", "bank", "chain"]
    file_name: str
    file_hash: bytes
    reading: dict[str, Any]
    period_from: datetime
    period_to: datetime
    lines: int
    counts: dict[str, int]
    notes: list[Kept]
    actor: str
    created_at: datetime


_COLUMNS: Final = """run_id, kind, file_name, file_hash, reading, period_from, period_to, lines, counts, notes, actor,
  created_at"""


@MERCHANT.statement(f"""
SELECT {_COLUMNS} FROM reconciliation_runs WHERE merchant_id = $1 AND run_key = $2
""")
async def run_by_key(db: Read, merchant_id: UUID, run_key: bytes) -> Run | None:
    """Of a file, as it was read."""


@MERCHANT.statement(f"""
SELECT {_COLUMNS} FROM reconciliation_runs WHERE merchant_id = $1 AND run_id = $2
""")
async def find_run(db: Read, merchant_id: UUID, run_id: UUID) -> Run | None:
    """None for a foreign or unknown id."""


@MERCHANT.statement(f"""
SELECT {_COLUMNS} FROM reconciliation_runs WHERE merchant_id = $1 AND ($2::uuid IS NULL OR (created_at, run_id) < (
  SELECT created_at, run_id FROM reconciliation_runs WHERE merchant_id = $1 AND run_id = $2))
ORDER BY created_at DESC, run_id DESC LIMIT $3
""")
async def list_runs(db: Read, merchant_id: UUID, *, after: UUID | None, limit: int) -> list[Run]:
    """Newest first."""


class RunLine(Row, frozen=True):
    """`units` are theirs, `our_units` ours. `finding`: the verdict in words. `recipe` and `entries`: what may be
    booked; `booked`: whether it was, from this file or from another that has the same line; `booked_at` and
    `booked_by`: from this one."""

    row_no: int
    line_no: int | None
    line_id: UUID | None
    outcome: Literal["matched", "missing_here", "missing_there", "amount_differs", "duplicate", "refused"]
    reason: str
    finding: Kept
    type: str | None
    our_id: UUID | None
    reference: str | None
    asset: str | None
    units: int | None
    our_units: int | None
    dated: datetime | None
    order_id: UUID | None
    recipe: str | None
    entries: list[list[Any]] | None
    booked_at: datetime | None
    booked_by: str | None
    note: str | None
    external_id: str | None
    booked: bool


@MERCHANT.statement("""
SELECT l.row_no, l.line_no, l.line_id, l.outcome, l.reason, l.finding, l.type, l.our_id, l.reference,
  l.asset, l.units, l.our_units, l.dated, l.order_id, l.recipe, l.entries, l.booked_at, l.booked_by, l.note,
  o.external_id, p.posting_id IS NOT NULL AS booked
FROM reconciliation_lines l
LEFT JOIN orders o ON o.merchant_id = l.merchant_id AND o.order_id = l.order_id
LEFT JOIN postings p ON p.merchant_id = l.merchant_id AND p.source_kind = 'reconciliation' AND p.source_id = l.line_id
  AND p.recipe = l.recipe
WHERE l.merchant_id = $1 AND l.run_id = $2 AND ($5::text[] IS NULL OR l.outcome = ANY($5)) AND l.row_no > $3
ORDER BY l.row_no LIMIT $4
""")
async def _lines(
    db: Read, merchant_id: UUID, run_id: UUID, after: int, limit: int, outcomes: Collection[str] | None
) -> list[RunLine]:
    """None: of every outcome."""


async def run_lines(
    db: Read,
    merchant_id: UUID,
    run_id: UUID,
    *,
    outcomes: Collection[str] | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[RunLine]:
    """In the file's order; those that are missing there stand behind it."""
    return await _lines(db, merchant_id, run_id, after, limit, outcomes)


class RefusedLines(Row, frozen=True):
    """Of one reason: how many, and the first of them with its words."""

    reason: str
    lines: int
    line_no: int | None
    finding: Kept


@MERCHANT.statement("""
SELECT g.reason, g.lines, l.line_no, l.finding FROM (
  SELECT reason, count(*) AS lines, min(row_no) AS row_no FROM reconciliation_lines
  WHERE merchant_id = $1 AND run_id = $2 AND outcome = 'refused' GROUP BY reason) g
JOIN reconciliation_lines l ON l.merchant_id = $1 AND l.run_id = $2 AND l.row_no = g.row_no
ORDER BY g.lines DESC, g.reason
""")
async def refused_lines(db: Read, merchant_id: UUID, run_id: UUID) -> list[RefusedLines]:
    """By reason, the most frequent first."""


class Bookings(Row, frozen=True):
    """`to_book`: suggestions that wait; `booked`: those that somebody confirmed."""

    to_book: int
    booked: int


@MERCHANT.statement("""
SELECT count(*) FILTER (WHERE recipe IS NOT NULL AND booked_at IS NULL) AS to_book,
  count(*) FILTER (WHERE booked_at IS NOT NULL) AS booked
FROM reconciliation_lines WHERE merchant_id = $1 AND run_id = $2 AND outcome IN ('missing_here', 'amount_differs')
""")
async def bookings(db: Read, merchant_id: UUID, run_id: UUID) -> Bookings:
    """Of one run."""
