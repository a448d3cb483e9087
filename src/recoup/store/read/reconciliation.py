"""Compared files: the runs, and their lines by outcome."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg

_COLUMNS: Final = """run_id, kind, file_name, file_hash, reading, period_from, period_to, lines, counts, notes, actor,
  created_at"""
_BY_KEY = f"SELECT {_COLUMNS} FROM reconciliation_runs WHERE merchant_id = $1 AND run_key = $2"  # noqa: S608 - ours
_BY_ID = f"SELECT {_COLUMNS} FROM reconciliation_runs WHERE merchant_id = $1 AND run_id = $2"  # noqa: S608 - ours
_NEWEST = f"""
SELECT {_COLUMNS} FROM reconciliation_runs WHERE merchant_id = $1 AND ($2::uuid IS NULL OR (created_at, run_id) < (
  SELECT created_at, run_id FROM reconciliation_runs WHERE merchant_id = $1 AND run_id = $2))
ORDER BY created_at DESC, run_id DESC LIMIT $3
"""  # noqa: S608 - ours
# Whether it was booked, from this file or from another that has the same line.
_LINES = """
SELECT l.row_no, l.line_no, l.line_id, l.outcome, l.reason, l.told, l.type, l.our_id, l.reference, l.asset, l.units,
  l.our_units, l.dated, l.order_id, l.recipe, l.entries, l.booked_at, l.booked_by, l.note, o.external_id,
  p.posting_id IS NOT NULL AS booked
FROM reconciliation_lines l
LEFT JOIN orders o ON o.merchant_id = l.merchant_id AND o.order_id = l.order_id
LEFT JOIN postings p ON p.merchant_id = l.merchant_id AND p.source_kind = 'reconciliation' AND p.source_id = l.line_id
  AND p.recipe = l.recipe
WHERE l.merchant_id = $1 AND l.run_id = $2 AND ($3::text[] IS NULL OR l.outcome = ANY($3)) AND l.row_no > $4
ORDER BY l.row_no LIMIT $5
"""
_REFUSED = """
SELECT g.reason, g.lines, l.line_no, l.told FROM (
  SELECT reason, count(*) AS lines, min(row_no) AS row_no FROM reconciliation_lines
  WHERE merchant_id = $1 AND run_id = $2 AND outcome = 'refused' GROUP BY reason) g
JOIN reconciliation_lines l ON l.merchant_id = $1 AND l.run_id = $2 AND l.row_no = g.row_no
ORDER BY g.lines DESC, g.reason
"""
_OPEN = """
SELECT count(*) FILTER (WHERE recipe IS NOT NULL AND booked_at IS NULL) AS to_book,
  count(*) FILTER (WHERE booked_at IS NOT NULL) AS booked
FROM reconciliation_lines WHERE merchant_id = $1 AND run_id = $2 AND outcome IN ('missing_here', 'amount_differs')
"""


async def run_by_key(connection: asyncpg.Connection, merchant_id: UUID, run_key: bytes) -> dict[str, Any] | None:
    row = await connection.fetchrow(_BY_KEY, merchant_id, run_key)
    return dict(row) if row else None


async def find_run(connection: asyncpg.Connection, merchant_id: UUID, run_id: UUID) -> dict[str, Any] | None:
    row = await connection.fetchrow(_BY_ID, merchant_id, run_id)
    return dict(row) if row else None


async def list_runs(
    connection: asyncpg.Connection, merchant_id: UUID, *, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Newest first."""
    return await connection.fetch(_NEWEST, merchant_id, after, limit)  # type: ignore[no-any-return]


async def run_lines(
    connection: asyncpg.Connection, merchant_id: UUID, run_id: UUID, *, outcomes: list[str] | None = None,
    after: int = 0, limit: int = 100,
) -> list[asyncpg.Record]:  # fmt: skip
    """In the file's order; those that are missing there stand behind it."""
    return await connection.fetch(_LINES, merchant_id, run_id, outcomes, after, limit)  # type: ignore[no-any-return]


async def refused_lines(connection: asyncpg.Connection, merchant_id: UUID, run_id: UUID) -> list[asyncpg.Record]:
    """By reason: how many lines, and the first of them with its words."""
    return await connection.fetch(_REFUSED, merchant_id, run_id)  # type: ignore[no-any-return]


async def bookings(connection: asyncpg.Connection, merchant_id: UUID, run_id: UUID) -> Mapping[str, int]:
    """`to_book`: suggestions that wait; `booked`: those that somebody confirmed."""
    return dict(await connection.fetchrow(_OPEN, merchant_id, run_id))
