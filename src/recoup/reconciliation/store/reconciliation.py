"""Compared files: the runs, their lines by outcome, the lines that may be booked and those that
were, and the ids that equal lines get."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg

from recoup.db.statement import MERCHANT, Read, Row, Tx, columns_of
from recoup.kernel.kept_sentence import Kept


class Run(Row, frozen=True):
    """`counts`: outcome -> lines. `notes`: remarks about the file for its readers. `created_at` is
    wall time."""

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


_COLUMNS: Final = columns_of(Run)


@MERCHANT.statement(f"""
SELECT {_COLUMNS} FROM reconciliation_runs WHERE merchant_id = $1 AND run_key = $2
""")
async def run_by_key(db: Read, merchant_id: UUID, run_key: bytes) -> Run | None:
    """The run of a file, as it was read."""


@MERCHANT.statement(f"""
SELECT {_COLUMNS} FROM reconciliation_runs WHERE merchant_id = $1 AND run_id = $2
""")
async def find_run(db: Read, merchant_id: UUID, run_id: UUID) -> Run | None:
    """The run of that id; None for a foreign or unknown id."""


@MERCHANT.statement(f"""
SELECT {_COLUMNS} FROM reconciliation_runs WHERE merchant_id = $1 AND ($2::uuid IS NULL
  OR (created_at, run_id) < (
  SELECT created_at, run_id FROM reconciliation_runs WHERE merchant_id = $1 AND run_id = $2))
ORDER BY created_at DESC, run_id DESC LIMIT $3
""")
async def list_runs(db: Read, merchant_id: UUID, *, after: UUID | None, limit: int) -> list[Run]:
    """Newest first."""


@MERCHANT.statement("""
SELECT count(DISTINCT (l.merchant_id, coalesce(l.our_id, l.line_id)))
FROM reconciliation_runs r JOIN reconciliation_lines l USING (merchant_id, run_id)
WHERE r.actor = $1 AND r.created_at > $2 AND l.outcome = 'missing_here' AND l.booked_at IS NULL
  AND NOT EXISTS (SELECT FROM wire_keys k JOIN attempts a ON a.merchant_id = k.merchant_id
    AND a.attempt_id = k.movement_id AND a.key = k.key
    WHERE k.key = l.our_id AND a.state = 'approved')
  AND NOT EXISTS (SELECT FROM wire_keys k JOIN modifications m ON m.merchant_id = k.merchant_id
    AND m.modification_id = k.movement_id AND k.key IN (m.key, m.send_key)
    WHERE k.key = l.our_id AND m.state = 'done')
""")
async def unexplained_since(db: Read, actor: str, since: datetime) -> int:
    """Number of lines found since then in comparisons by `actor` that no order of any merchant
    explains by now."""


class LockedLine(Row):
    """`recipe` and `entries`: what may be booked."""

    row_no: int
    line_id: UUID | None
    asset: str | None
    recipe: str | None
    entries: list[list[Any]] | None
    booked_at: datetime | None
    booked_by: str | None


class RunLine(LockedLine):
    """`units` are theirs, `our_units` ours. `finding`: the verdict in words. `recipe` and
    `entries`: what may be booked; `booked`: whether it was, from this file or from another that has
    the same line; `booked_at` and `booked_by`: from this one."""

    line_no: int | None
    outcome: Literal[
        "matched", "missing_here", "missing_there", "amount_differs", "duplicate", "refused"
    ]
    reason: str
    finding: Kept
    type: str | None
    our_id: UUID | None
    reference: str | None
    units: int | None
    our_units: int | None
    dated: datetime | None
    order_id: UUID | None
    note: str | None
    external_id: str | None
    booked: bool


@MERCHANT.statement("""
SELECT l.row_no, l.line_id, l.asset, l.recipe, l.entries, l.booked_at, l.booked_by, l.line_no,
  l.outcome, l.reason,
  l.finding, l.type, l.our_id, l.reference, l.units, l.our_units, l.dated, l.order_id, l.note,
    o.external_id,
  p.posting_id IS NOT NULL AS booked
FROM reconciliation_lines l
LEFT JOIN orders o ON o.merchant_id = l.merchant_id AND o.order_id = l.order_id
LEFT JOIN postings p ON p.merchant_id = l.merchant_id AND p.source_kind = 'reconciliation'
  AND p.source_id = l.line_id
  AND p.recipe = l.recipe
WHERE l.merchant_id = $1 AND l.run_id = $2 AND ($5::text[] IS NULL OR l.outcome = ANY($5))
  AND l.row_no > $3
ORDER BY l.row_no LIMIT $4
""")
async def run_lines(
    db: Read,
    merchant_id: UUID,
    run_id: UUID,
    *,
    after: int = 0,
    limit: int = 100,
    outcomes: Collection[str] | None = None,
) -> list[RunLine]:
    """Lines of a run in the file's order, followed by movements missing from the file. `outcomes`
    None: all of them."""


class RefusedLines(Row, frozen=True):
    """Refused lines of one reason: how many, and the first of them with its words."""

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
    """Refused lines by reason, the most frequent first."""


class Bookings(Row, frozen=True):
    """Counts of bookings of a run. `to_book`: suggestions that wait; `booked`: those that somebody
    confirmed."""

    to_book: int
    booked: int


@MERCHANT.statement("""
SELECT count(*) FILTER (WHERE recipe IS NOT NULL AND booked_at IS NULL) AS to_book,
  count(*) FILTER (WHERE booked_at IS NOT NULL) AS booked
FROM reconciliation_lines WHERE merchant_id = $1 AND run_id = $2
  AND outcome IN ('missing_here', 'amount_differs')
""")
async def bookings(db: Read, merchant_id: UUID, run_id: UUID) -> Bookings:
    """Counts the bookings of a run."""


@MERCHANT.statement("""
SELECT row_no FROM reconciliation_lines
WHERE merchant_id = $1 AND run_id = $2 AND recipe IS NOT NULL AND booked_at IS NULL ORDER BY row_no
  LIMIT $3
""")
async def to_book(db: Read, merchant_id: UUID, run_id: UUID, limit: int) -> list[int]:
    """Lines that something is suggested for and nobody has booked."""


@MERCHANT.statement("""
SELECT row_no, line_id, asset, recipe, entries, booked_at, booked_by FROM reconciliation_lines
WHERE merchant_id = $1 AND run_id = $2 AND row_no = ANY($3::int[]) ORDER BY row_no FOR UPDATE
""")
async def lock_lines(
    db: Tx, merchant_id: UUID, run_id: UUID, row_nos: Collection[int]
) -> list[LockedLine]:
    """Locks the lines that exist."""


@MERCHANT.statement("""
SELECT source_id FROM postings WHERE merchant_id = $1 AND source_kind = 'reconciliation'
  AND source_id = ANY($2::uuid[])
""")
async def booked_before(db: Read, merchant_id: UUID, line_ids: Collection[UUID]) -> list[UUID]:
    """Lines that were booked from any file, unordered."""


@MERCHANT.statement("""
UPDATE reconciliation_lines SET booked_at = $4, booked_by = $5, note = $6
WHERE merchant_id = $1 AND run_id = $2 AND row_no = ANY($3::int[])
""")
async def mark_booked(
    db: Tx,
    merchant_id: UUID,
    run_id: UUID,
    row_nos: Collection[int],
    at: datetime,
    by: str,
    note: str,
) -> None:
    """Marks lines as booked, from this file or before from another. `at` is wall time."""


STATEMENT_SECONDS: Final = 600.0
# Equal lines are counted. In a bank's statement each is a movement of its own; elsewhere those are
# without id and reference, and a line with one of these that stands twice is said again.
_EQUAL = """
CREATE TEMP TABLE equal ON COMMIT DROP AS
SELECT number, line_id AS content_id, our_id IS NOT NULL OR reference <> '' AS named, statement,
  row_number() OVER (PARTITION BY line_id, CASE WHEN our_id IS NULL
    AND reference = '' THEN statement END
    ORDER BY number) AS place
FROM staged WHERE our_id IS NULL AND reference = '' OR statement <> ''
"""
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended($1, 36))"
_COUNT_NAMED = """
UPDATE staged s SET line_id = substr(encode(sha256(convert_to(
  concat_ws(chr(31), e.content_id, e.place), 'UTF8')), 'hex'), 1, 32)::uuid
FROM equal e WHERE e.number = s.number AND e.named AND e.place > 1
"""
# Files with an equal nameless line that cover the same: this very file, one that has a named line
# of it, one whose period was named as its own was, unless both name routes, and two.
_OTHERS = """
CREATE TEMP TABLE others ON COMMIT DROP AS
SELECT r.run_id, r.file_hash = $3 OR (jsonb_array_length(r.reading -> 'period') = 2 AND $4
    AND coalesce(r.reading -> 'values' ->> 'route' = $5, true)) OR EXISTS (
  SELECT FROM reconciliation_lines l JOIN staged s ON s.line_id = l.line_id
  WHERE l.merchant_id = $1 AND l.run_id = r.run_id AND (l.our_id IS NOT NULL OR l.reference <> '')
    AND (s.our_id IS NOT NULL OR s.reference <> '')) AS same
FROM reconciliation_runs r
WHERE r.merchant_id = $1 AND r.run_id <> $2 AND r.run_id IN (
  SELECT l.run_id FROM reconciliation_lines l JOIN equal e ON e.content_id = l.content_id
    AND NOT e.named
  WHERE l.merchant_id = $1)
"""
# The id that a line had in a file that covers the same; first of all its own, of the same statement
# and place.
_COUNT_NAMELESS = """
WITH own AS MATERIALIZED (
  SELECT number, content_id, place, substr(encode(sha256(convert_to(
    concat_ws(chr(31), content_id, coalesce(nullif(statement, ''), encode($2::bytea, 'hex')),
      place),
    'UTF8')), 'hex'), 1, 32)::uuid AS line_id
  FROM equal WHERE NOT named
), before AS MATERIALIZED (
  SELECT l.content_id, l.line_id, bool_or(r.file_hash = $2) AS own, min(l.equal_no) AS place,
    min(r.created_at) AS since
  FROM others o JOIN reconciliation_runs r ON r.merchant_id = $1 AND r.run_id = o.run_id
  JOIN reconciliation_lines l ON l.merchant_id = $1 AND l.run_id = o.run_id
    AND l.content_id IS NOT NULL
  WHERE o.same GROUP BY 1, 2
), known AS (
  SELECT content_id, line_id, row_number() OVER (PARTITION BY content_id
    ORDER BY own DESC, place, since, line_id) AS at
  FROM before b WHERE NOT EXISTS (SELECT 1 FROM own o WHERE o.line_id = b.line_id)
), open AS (
  SELECT number, content_id, row_number() OVER (PARTITION BY content_id
    ORDER BY place, number) AS at
  FROM own o WHERE NOT EXISTS (SELECT 1 FROM before b WHERE b.line_id = o.line_id)
)
UPDATE staged s SET line_id = coalesce(k.line_id, o.line_id)
FROM own o LEFT JOIN open p ON p.number = o.number LEFT JOIN known k ON k.content_id = p.content_id
  AND k.at = p.at
WHERE o.number = s.number
"""
_ELSEWHERE = """
CREATE TEMP TABLE elsewhere ON COMMIT DROP AS
SELECT DISTINCT l.content_id FROM others o
JOIN reconciliation_lines l ON l.merchant_id = $1 AND l.run_id = o.run_id
  AND l.content_id IS NOT NULL
WHERE NOT o.same AND l.line_id NOT IN (SELECT line_id FROM staged)
"""


async def count_equals(
    tx: asyncpg.Connection,
    run: tuple[UUID, UUID],
    file_hash: bytes,
    with_period: bool,
    route: str | None,
) -> None:
    """Gives equal lines, each of which counts, ids of their own: those that they have in files that
    cover the same. `route`: of the whole file, where it was named. Two files of a merchant take
    turns, so that none misses the other's."""
    await tx.execute("ANALYZE staged", timeout=STATEMENT_SECONDS)
    await tx.execute(_EQUAL, timeout=STATEMENT_SECONDS)
    await tx.execute(_COUNT_NAMED, timeout=STATEMENT_SECONDS)
    if await tx.fetchval(
        "SELECT EXISTS (SELECT FROM equal WHERE NOT named)", timeout=STATEMENT_SECONDS
    ):
        await tx.execute(_TURN, str(run[0]), timeout=STATEMENT_SECONDS)
    await tx.execute(_OTHERS, *run, file_hash, with_period, route, timeout=STATEMENT_SECONDS)
    await tx.execute(_COUNT_NAMELESS, run[0], file_hash, timeout=STATEMENT_SECONDS)
    await tx.execute(_ELSEWHERE, run[0], timeout=STATEMENT_SECONDS)
