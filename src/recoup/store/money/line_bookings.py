"""Lines of compared statements that may be booked, and those that were."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, Tx


@MERCHANT.statement("""
SELECT row_no FROM reconciliation_lines
WHERE merchant_id = $1 AND run_id = $2 AND recipe IS NOT NULL AND booked_at IS NULL ORDER BY row_no LIMIT $3
""")
async def to_book(db: Read, merchant_id: UUID, run_id: UUID, limit: int) -> list[int]:
    """Lines that something is suggested for and nobody has booked."""


class LockedLine(Row, frozen=True):
    """`recipe` and `entries`: what may be booked."""

    row_no: int
    line_id: UUID | None
    asset: str | None
    recipe: str | None
    entries: list[list[Any]] | None
    booked_at: datetime | None
    booked_by: str | None


@MERCHANT.statement("""
SELECT row_no, line_id, asset, recipe, entries, booked_at, booked_by FROM reconciliation_lines
WHERE merchant_id = $1 AND run_id = $2 AND row_no = ANY($3::int[]) ORDER BY row_no FOR UPDATE
""")
async def lock_lines(db: Tx, merchant_id: UUID, run_id: UUID, row_nos: Collection[int]) -> list[LockedLine]:
    """Locks the lines that exist."""


@MERCHANT.statement("""
SELECT source_id FROM postings WHERE merchant_id = $1 AND source_kind = 'reconciliation' AND source_id = ANY($2::uuid[])
""")
async def _booked_before(db: Read, merchant_id: UUID, line_ids: Collection[UUID]) -> list[UUID]:
    """Booked lines, unordered."""


async def booked_before(db: Read, merchant_id: UUID, line_ids: Collection[UUID]) -> set[UUID]:
    """Lines that were booked from any file."""
    return set(await _booked_before(db, merchant_id, line_ids))


@MERCHANT.statement("""
UPDATE reconciliation_lines SET booked_at = $4, booked_by = $5, note = $6
WHERE merchant_id = $1 AND run_id = $2 AND row_no = ANY($3::int[])
""")
async def mark_booked(
    db: Tx, merchant_id: UUID, run_id: UUID, row_nos: Collection[int], at: datetime, by: str, note: str
) -> None:
    """Whether they were booked from this file or before from another. `at` is wall time."""
