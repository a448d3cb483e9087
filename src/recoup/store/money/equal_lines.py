"""Equal lines of a statement that is being compared: each that counts gets an id of its own, in sets."""

from typing import Final
from uuid import UUID

import asyncpg

STATEMENT_SECONDS: Final = 600.0
# Equal lines are counted. In a bank's statement each is a movement of its own; elsewhere those are without id and
# reference, and a line with one of these that stands twice is said again.
_EQUAL = """
CREATE TEMP TABLE equal ON COMMIT DROP AS
SELECT number, line_id AS content_id, our_id IS NOT NULL OR reference <> '' AS named, statement,
  row_number() OVER (PARTITION BY line_id, CASE WHEN our_id IS NULL AND reference = '' THEN statement END
    ORDER BY number) AS place
FROM staged WHERE our_id IS NULL AND reference = '' OR statement <> ''
"""
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended($1, 36))"
_COUNT_NAMED = """
UPDATE staged s SET line_id = substr(encode(sha256(convert_to(
  concat_ws(chr(31), e.content_id, e.place), 'UTF8')), 'hex'), 1, 32)::uuid
FROM equal e WHERE e.number = s.number AND e.named AND e.place > 1
"""
# Files with an equal nameless line that cover the same: this very file, one that has a named line of it, one whose
# period was named as its own was, unless both name routes, and two.
_OTHERS = """
CREATE TEMP TABLE others ON COMMIT DROP AS
SELECT r.run_id, r.file_hash = $3 OR (jsonb_array_length(r.reading -> 'period') = 2 AND $4
    AND coalesce(r.reading -> 'values' ->> 'route' = $5, true)) OR EXISTS (
  SELECT FROM reconciliation_lines l JOIN staged s ON s.line_id = l.line_id
  WHERE l.merchant_id = $1 AND l.run_id = r.run_id AND (l.our_id IS NOT NULL OR l.reference <> '')
    AND (s.our_id IS NOT NULL OR s.reference <> '')) AS same
FROM reconciliation_runs r
WHERE r.merchant_id = $1 AND r.run_id <> $2 AND r.run_id IN (
  SELECT l.run_id FROM reconciliation_lines l JOIN equal e ON e.content_id = l.content_id AND NOT e.named
  WHERE l.merchant_id = $1)
"""
# The id that a line had in a file that covers the same; first of all its own, of the same statement and place.
_COUNT_NAMELESS = """
WITH own AS MATERIALIZED (
  SELECT number, content_id, place, substr(encode(sha256(convert_to(
    concat_ws(chr(31), content_id, coalesce(nullif(statement, ''), encode($2::bytea, 'hex')), place),
    'UTF8')), 'hex'), 1, 32)::uuid AS line_id
  FROM equal WHERE NOT named
), before AS MATERIALIZED (
  SELECT l.content_id, l.line_id, bool_or(r.file_hash = $2) AS own, min(l.equal_no) AS place, min(r.created_at) AS since
  FROM others o JOIN reconciliation_runs r ON r.merchant_id = $1 AND r.run_id = o.run_id
  JOIN reconciliation_lines l ON l.merchant_id = $1 AND l.run_id = o.run_id AND l.content_id IS NOT NULL
  WHERE o.same GROUP BY 1, 2
), known AS (
  SELECT content_id, line_id, row_number() OVER (PARTITION BY content_id ORDER BY own DESC, place, since, line_id) AS at
  FROM before b WHERE NOT EXISTS (SELECT FROM own o WHERE o.line_id = b.line_id)
), open AS (
  SELECT number, content_id, row_number() OVER (PARTITION BY content_id ORDER BY place, number) AS at
  FROM own o WHERE NOT EXISTS (SELECT FROM before b WHERE b.line_id = o.line_id)
)
UPDATE staged s SET line_id = coalesce(k.line_id, o.line_id)
FROM own o LEFT JOIN open p ON p.number = o.number LEFT JOIN known k ON k.content_id = p.content_id AND k.at = p.at
WHERE o.number = s.number
"""
_ELSEWHERE = """
CREATE TEMP TABLE elsewhere ON COMMIT DROP AS
SELECT DISTINCT l.content_id FROM others o
JOIN reconciliation_lines l ON l.merchant_id = $1 AND l.run_id = o.run_id AND l.content_id IS NOT NULL
WHERE NOT o.same AND l.line_id NOT IN (SELECT line_id FROM staged)
"""


async def count_equals(
    tx: asyncpg.Connection, run: tuple[UUID, UUID], file_hash: bytes, with_period: bool, route: str | None
) -> None:
    """Gives equal lines, each of which counts, ids of their own: those that they have in files that cover the same.
    `route`: of the whole file, where it was named.
    Two files of a merchant take turns, so that none misses the other's."""
    await tx.execute("ANALYZE staged", timeout=STATEMENT_SECONDS)
    await tx.execute(_EQUAL, timeout=STATEMENT_SECONDS)
    await tx.execute(_COUNT_NAMED, timeout=STATEMENT_SECONDS)
    if await tx.fetchval("SELECT EXISTS (SELECT FROM equal WHERE NOT named)", timeout=STATEMENT_SECONDS):
        await tx.execute(_TURN, str(run[0]), timeout=STATEMENT_SECONDS)
    await tx.execute(_OTHERS, *run, file_hash, with_period, route, timeout=STATEMENT_SECONDS)
    await tx.execute(_COUNT_NAMELESS, run[0], file_hash, timeout=STATEMENT_SECONDS)
    await tx.execute(_ELSEWHERE, run[0], timeout=STATEMENT_SECONDS)
