"""The request log of one merchant: written many at a time, read newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.db.statement import MERCHANT, Read, Row, Tx, Written
from recoup.kernel.ids import HIGHEST
from recoup.kernel.kept_sentence import Kept, keep

SCANNED_MAX: Final = 20_000  # calls that one page of a narrowed log looks through
CHOSEN_FROM: Final = 2_000


class ApiCall(Row):
    """`key_id`: the key's public half, or `user:` and who. `code`: of the Problem, if it was one.
    `why`: which field was refused and why."""

    call_id: UUID
    at: datetime
    request_id: str
    key_id: str
    method: str
    path: str
    status: int
    code: str | None
    ms: int
    why: Kept


async def read_calls(
    db: Read,
    merchant_id: UUID,
    *,
    request_id: str | None,
    status_class: int | None,
    path: str | None,
    key_id: str | None,
    before: UUID | None,
    limit: int,
) -> tuple[list[ApiCall], UUID | None]:
    """Older than `before`; and before which call the next page begins: None when that was all. A
    request id is looked up by itself; a page that is narrowed otherwise may be short, or empty,
    with a next one."""
    before, older = before or HIGHEST, None
    if request_id is not None:
        rows = await _calls_of_request(db, merchant_id, request_id, before, limit + 1)
    else:
        rows = await _calls(
            db, merchant_id, before, SCANNED_MAX, status_class, path, key_id, limit + 1
        )
    if len(rows) > limit:
        return rows[:limit], rows[limit - 1].call_id
    if request_id is None:
        older = await _seen_to(db, merchant_id, before, SCANNED_MAX - 1)
    return rows, older


@MERCHANT.statement("""
SELECT call_id, at, request_id, key_id, method, path, status, code, ms, why FROM api_calls
WHERE merchant_id = $1 AND request_id = $2 AND call_id < $3 ORDER BY call_id DESC LIMIT $4
""")
async def _calls_of_request(
    db: Read, merchant_id: UUID, request_id: str, before: UUID, limit: int
) -> list[ApiCall]:
    """Newest first."""


@MERCHANT.statement("""
SELECT call_id, at, request_id, key_id, method, path, status, code, ms, why FROM (
  SELECT * FROM api_calls WHERE merchant_id = $1 AND call_id < $2 ORDER BY call_id DESC LIMIT $3) c
WHERE ($4::int IS NULL OR status / 100 = $4) AND ($5::text IS NULL OR path = $5)
  AND ($6::text IS NULL OR key_id = $6)
ORDER BY call_id DESC LIMIT $7
""")
async def _calls(
    db: Read,
    merchant_id: UUID,
    before: UUID,
    looks: int,
    status_class: int | None,
    path: str | None,
    key_id: str | None,
    limit: int,
) -> list[ApiCall]:
    """Calls among the `looks` before that one."""


@MERCHANT.statement("""
SELECT call_id FROM api_calls WHERE merchant_id = $1 AND call_id < $2 ORDER BY call_id DESC
  LIMIT 1 OFFSET $3
""")
async def _seen_to(db: Read, merchant_id: UUID, before: UUID, looks: int) -> UUID | None:
    """The last of so many calls."""


class Choices(Row):
    """Choices among the newest calls; `lost`: how many calls are not in the log."""

    paths: list[str]
    keys: list[str]
    lost: int


@MERCHANT.statement(f"""
SELECT coalesce(array_agg(DISTINCT path COLLATE "C" ORDER BY path COLLATE "C"), '{{}}') AS paths,
  coalesce(array_agg(DISTINCT key_id COLLATE "C" ORDER BY key_id COLLATE "C"), '{{}}') AS keys,
  (SELECT coalesce(sum(calls), 0)::bigint FROM api_call_gaps WHERE merchant_id = $1) AS lost
FROM (SELECT path, key_id FROM api_calls WHERE merchant_id = $1 ORDER BY call_id DESC
  LIMIT {CHOSEN_FROM}) c
""")
async def read_choices(db: Read, merchant_id: UUID) -> Choices:
    """Choices by which a page of the log can be narrowed."""


COLUMNS: Final = ("merchant_id", "call_id", "at", "request_id", "key_id", "method", "path",
                  "status", "code", "ms", "place", "why")  # fmt: skip
_GAPS: Final = ("merchant_id", "gap_id", "at", "calls")


async def add_calls(
    connection: asyncpg.Connection,
    calls: Sequence[tuple[Any, ...]],
    gaps: Sequence[tuple[UUID, UUID, datetime, int]],
) -> None:
    """`calls` as COLUMNS. In an open transaction."""
    records = [(*call[:-1], keep(call[-1])) for call in calls]
    await connection.copy_records_to_table("api_calls", records=records, columns=COLUMNS)
    if gaps:
        await connection.copy_records_to_table("api_call_gaps", records=gaps, columns=_GAPS)


@MERCHANT.statement(
    "DELETE FROM api_call_gaps WHERE ctid IN (SELECT ctid FROM api_call_gaps WHERE at < $1 LIMIT "
    "$2)"
)
async def forget_gaps(db: Tx, before: datetime, limit: int) -> Written:
    """Deletes gaps with the calls of their days."""
