"""Exports: asked for, worked on by one run after the other, ended once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.store.write.sites import lock_merchant

Key = tuple[UUID, UUID]

# One person may have so many under way, one merchant so many files that stand. Under the merchant's lock.
_ASK: Final = """
INSERT INTO exports (merchant_id, export_id, user_id, form, state, wanted, said, file_name, request_id, asked_at)
SELECT $1, $2, $3, $4, 'asked', $5, $6, $7, $8, $9
WHERE (SELECT count(*) FROM exports WHERE merchant_id = $1 AND user_id = $3 AND state IN ('asked', 'working')) < $10
  AND (SELECT count(*) FROM exports WHERE merchant_id = $1 AND state IN ('asked', 'working', 'ready')) < $11
ON CONFLICT (merchant_id, export_id) DO NOTHING RETURNING true
"""
_BEGIN: Final = """
UPDATE exports SET state = 'working', run_no = run_no + 1, rows_done = 0, bytes_done = 0, beat_at = $3
WHERE merchant_id = $1 AND export_id = $2 AND state IN ('asked', 'working') RETURNING *
"""
_BEAT: Final = """
UPDATE exports SET rows_done = $4, bytes_done = $5, total = coalesce($6, total), beat_at = $7
WHERE merchant_id = $1 AND export_id = $2 AND run_no = $3 AND state = 'working' RETURNING true
"""
_END: Final = """
UPDATE exports SET state = $4, rows_done = $5, bytes_done = $6, why = $7, finished_at = $8, gone_at = $9
WHERE merchant_id = $1 AND export_id = $2 AND run_no = $3 AND state = 'working' RETURNING user_id, file_name
"""
_CANCEL: Final = """
UPDATE exports SET state = CASE WHEN state = 'ready' THEN 'gone' ELSE 'cancelled' END,
  wanted = '{}', said = '[]', finished_at = coalesce(finished_at, $4), gone_at = NULL
WHERE merchant_id = $1 AND export_id = $2 AND user_id = $3 AND state IN ('asked', 'working', 'ready') RETURNING true
"""
_FORGET: Final = """
UPDATE exports SET state = 'gone', wanted = '{}', said = '[]' WHERE state = 'ready' AND gone_at <= $1
RETURNING export_id
"""
# What is being written has read of somebody who shall be forgotten: it begins anew, unless it is of words that were
# searched for. Whatever has ended keeps no words.
_CANCEL_SEARCHES: Final = """
UPDATE exports SET state = 'cancelled', wanted = '{}', said = '[]', finished_at = $2
WHERE merchant_id = $1 AND state IN ('asked', 'working') AND wanted -> 'filter' ->> 'text' <> ''
"""
_END_ALL: Final = """
UPDATE exports SET gone_at = CASE WHEN state = 'ready' THEN $2::timestamptz END,
  run_no = run_no + CASE WHEN state = 'working' THEN 1 ELSE 0 END,
  wanted = CASE WHEN state = 'working' THEN wanted ELSE '{}' END,
  said = CASE WHEN state = 'working' THEN said ELSE '[]' END,
  state = CASE WHEN state = 'working' THEN 'asked' ELSE state END
WHERE merchant_id = $1 AND state IN ('working', 'ready', 'refused') AND wanted <> '{}'
"""


async def ask_export(
    tx: asyncpg.Connection, row: Mapping[str, Any], *, under_way_max: int, standing_max: int
) -> bool:
    """False when it was asked before, or there are as many as there may be."""
    await lock_merchant(tx, row["merchant_id"])
    values = (row["merchant_id"], row["export_id"], row["user_id"], row["form"], row["wanted"], row["said"],
              row["file_name"], row["request_id"], row["asked_at"])  # fmt: skip
    return await tx.fetchval(_ASK, *values, under_way_max, standing_max) is not None


async def begin_run(tx: asyncpg.Connection, key: Key, at: datetime) -> asyncpg.Record | None:
    """None when it has ended."""
    return await tx.fetchrow(_BEGIN, *key, at)


async def beat(
    connection: asyncpg.Connection, key: Key, run_no: int, rows: int, size: int, total: int | None, at: datetime
) -> bool:
    """How far it is. False: it was cancelled, or another run has taken over."""
    return await connection.fetchval(_BEAT, *key, run_no, rows, size, total, at) is not None


async def end_run(
    tx: asyncpg.Connection, key: Key, run_no: int, state: str, rows: int, size: int, why: str | None, at: datetime,
    gone_at: datetime | None,
) -> asyncpg.Record | None:  # fmt: skip
    """Who had asked for it, and its name. None: it was cancelled, or another run has taken over."""
    return await tx.fetchrow(_END, *key, run_no, state, rows, size, why, at, gone_at)


async def cancel_run(tx: asyncpg.Connection, key: Key, user_id: UUID, at: datetime) -> bool:
    """Ends what is under way, forgets what is ready. False when there is nothing of this person's to end."""
    return await tx.fetchval(_CANCEL, *key, user_id, at) is not None


async def forget_exports(connection: asyncpg.Connection, wall: datetime) -> list[UUID]:
    """Those whose time is over."""
    return [row["export_id"] for row in await connection.fetch(_FORGET, wall)]


async def end_files_of(connection: asyncpg.Connection, merchant_id: UUID, wall: datetime) -> None:
    """Every file of the merchant's orders goes now."""
    await connection.execute(_CANCEL_SEARCHES, merchant_id, wall)
    await connection.execute(_END_ALL, merchant_id, wall)
