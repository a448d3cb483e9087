"""The request log of one merchant, newest first."""

from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.kernel.ids import HIGHEST

SCANNED_MAX: Final = 20_000  # calls that one page of a narrowed log looks through
CHOSEN_FROM: Final = 2_000
_BY_REQUEST = """
SELECT call_id, at, request_id, key_id, method, path, status, code, ms, why FROM api_calls
WHERE merchant_id = $1 AND request_id = $2 AND call_id < $3 ORDER BY call_id DESC LIMIT $4
"""
_LIST = """
SELECT call_id, at, request_id, key_id, method, path, status, code, ms, why FROM (
  SELECT * FROM api_calls WHERE merchant_id = $1 AND call_id < $2 ORDER BY call_id DESC LIMIT $3) c
WHERE ($4::int IS NULL OR status / 100 = $4) AND ($5::text IS NULL OR path = $5) AND ($6::text IS NULL OR key_id = $6)
ORDER BY call_id DESC LIMIT $7
"""
_SEEN_TO = """
SELECT call_id FROM api_calls WHERE merchant_id = $1 AND call_id < $2 ORDER BY call_id DESC LIMIT 1 OFFSET $3
"""
_CHOICES = """
SELECT array_agg(DISTINCT path) AS paths, array_agg(DISTINCT key_id) AS keys FROM (
  SELECT path, key_id FROM api_calls WHERE merchant_id = $1 ORDER BY call_id DESC LIMIT $2) c
"""
_GAPS = "SELECT coalesce(sum(calls), 0)::bigint FROM api_call_gaps WHERE merchant_id = $1"


async def read_calls(
    connection: asyncpg.Connection, merchant_id: UUID, *, request_id: str | None, status_class: int | None,
    path: str | None, key_id: str | None, before: UUID | None, limit: int,
) -> tuple[list[dict[str, Any]], UUID | None]:  # fmt: skip
    """Older than `before`; and before which call the next page begins: None when that was all. A request id is looked
    up by itself; a page that is narrowed otherwise may be short, or empty, with a next one."""
    before = before or HIGHEST
    if request_id is not None:
        rows = await connection.fetch(_BY_REQUEST, merchant_id, request_id, before, limit + 1)
    else:
        rows = await connection.fetch(_LIST, merchant_id, before, SCANNED_MAX, status_class, path, key_id, limit + 1)
    if len(rows) > limit:
        return [dict(row) for row in rows[:limit]], rows[limit - 1]["call_id"]
    older = None
    if request_id is None:
        older = await connection.fetchval(_SEEN_TO, merchant_id, before, SCANNED_MAX - 1)
    return [dict(row) for row in rows], older


async def read_choices(connection: asyncpg.Connection, merchant_id: UUID) -> tuple[list[str], list[str], int]:
    """(paths, keys) among the newest calls, and how many calls are not in the log."""
    row = await connection.fetchrow(_CHOICES, merchant_id, CHOSEN_FROM)
    return sorted(row["paths"] or []), sorted(row["keys"] or []), int(await connection.fetchval(_GAPS, merchant_id))
