"""Uploads: taken whole in one transaction, then answered row by row, some at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

STATEMENT_SECONDS: Final = 120.0
ROW: Final = (
    "merchant_id", "upload_id", "row_no", "line_no", "sequence", "external_id", "given", "subject_id", "state", "code",
    "errors",
)  # fmt: skip
_BEGIN = """
INSERT INTO uploads (merchant_id, upload_id, kind, form, content_mac, file_name, state, actor, request_id, received_at)
VALUES ($1, $2, $3, $4, $5, $6, 'received', $7, $8, $9)
ON CONFLICT (merchant_id, kind, content_mac) WHERE state <> 'stopped' DO NOTHING RETURNING true
"""
_COUNT = """
UPDATE uploads SET row_count = $3, refused_count = $4, notes = $5 WHERE merchant_id = $1 AND upload_id = $2
"""
_LOCK = """
SELECT u.*, EXISTS (SELECT FROM uploads o WHERE o.merchant_id = u.merchant_id AND o.kind = u.kind
    AND o.upload_id < u.upload_id AND o.state IN ('received', 'working')) AS waits
FROM uploads u WHERE u.merchant_id = $1 AND u.upload_id = $2 FOR UPDATE OF u
"""
_WAITING = """
SELECT row_no, external_id, given, subject_id, tries FROM upload_rows
WHERE merchant_id = $1 AND upload_id = $2 AND state = 'received' AND row_no <= $3 ORDER BY row_no LIMIT $4
"""
_WORK = "UPDATE uploads SET state = 'working', begun_to = $3 WHERE merchant_id = $1 AND upload_id = $2"
# A row that another process has answered meanwhile keeps that answer, and is not counted again.
_ANSWER = """
WITH told AS (
  UPDATE upload_rows r SET state = i.state, given = CASE WHEN i.state = 'received' THEN r.given END, tries = i.tries,
    subject_id = coalesce(i.subject_id, r.subject_id), status = i.status, code = i.code, errors = i.errors,
    warning = i.warning
  FROM jsonb_to_recordset($3) AS i (row_no int, state text, tries smallint, subject_id uuid, status text, code text,
    errors jsonb, warning text)
  WHERE r.merchant_id = $1 AND r.upload_id = $2 AND r.row_no = i.row_no AND r.state = 'received'
  RETURNING r.state
)
UPDATE uploads SET done_count = done_count + (SELECT count(*) FROM told WHERE state = 'done'),
  refused_count = refused_count + (SELECT count(*) FROM told WHERE state = 'refused')
WHERE merchant_id = $1 AND upload_id = $2
"""
_STOP_REST = """
UPDATE upload_rows SET state = 'stopped', given = NULL
WHERE merchant_id = $1 AND upload_id = $2 AND state = 'received'
"""
_FINISH = """
UPDATE uploads SET state = $3, finished_at = $4 WHERE merchant_id = $1 AND upload_id = $2
RETURNING *
"""
_ASK_STOP = """
UPDATE uploads SET stop_asked_at = coalesce(stop_asked_at, $3), stop_asked_by = coalesce(stop_asked_by, $4)
WHERE merchant_id = $1 AND upload_id = $2 AND state IN ('received', 'working') RETURNING true
"""


async def begin_upload(tx: asyncpg.Connection, row: Mapping[str, Any]) -> bool:
    """False: this file is an upload already, or another process was just taking it and was waited for."""
    values = (row["merchant_id"], row["upload_id"], row["kind"], row["form"], row["content_mac"], row["file_name"],
              row["actor"], row["request_id"], row["received_at"])  # fmt: skip
    return await tx.fetchval(_BEGIN, *values, timeout=STATEMENT_SECONDS) is not None


async def add_rows(tx: asyncpg.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    records = [tuple(row[name] for name in ROW) for row in rows]
    await tx.copy_records_to_table("upload_rows", records=records, columns=list(ROW), timeout=STATEMENT_SECONDS)


async def count_rows(
    tx: asyncpg.Connection, key: tuple[UUID, UUID], rows: int, refused: int, notes: Sequence[str]
) -> None:
    await tx.execute(_COUNT, *key, rows, refused, list(notes))


async def lock_upload(tx: asyncpg.Connection, key: tuple[UUID, UUID]) -> asyncpg.Record | None:
    """With `waits`: an earlier file of the same kind is not finished."""
    return await tx.fetchrow(_LOCK, *key)


async def waiting_rows(tx: asyncpg.Connection, key: tuple[UUID, UUID], up_to: int, limit: int) -> list[asyncpg.Record]:
    return await tx.fetch(_WAITING, *key, up_to, limit)  # type: ignore[no-any-return]


async def begin_rows(tx: asyncpg.Connection, key: tuple[UUID, UUID], up_to: int) -> None:
    """From now on rows up to this one may have taken effect."""
    await tx.execute(_WORK, *key, up_to)


async def answer_rows(tx: asyncpg.Connection, key: tuple[UUID, UUID], answers: Sequence[Mapping[str, Any]]) -> None:
    await tx.execute(_ANSWER, *key, list(answers))


async def stop_rest(tx: asyncpg.Connection, key: tuple[UUID, UUID]) -> None:
    await tx.execute(_STOP_REST, *key, timeout=STATEMENT_SECONDS)


async def finish_upload(tx: asyncpg.Connection, key: tuple[UUID, UUID], state: str, at: datetime) -> asyncpg.Record:
    return await tx.fetchrow(_FINISH, *key, state, at)


async def ask_stop(connection: asyncpg.Connection, key: tuple[UUID, UUID], at: datetime, by: str) -> bool:
    """False when it is finished, or was never there."""
    return await connection.fetchval(_ASK_STOP, *key, at, by) is not None
