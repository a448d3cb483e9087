"""One thing done to many orders: taken whole with its orders, then answered some at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

Key = tuple[UUID, UUID]

_BEGIN: Final = """
INSERT INTO bulk_acts (merchant_id, act_id, action, note, state, said, row_count, actor, request_id, asked_at)
VALUES ($1, $2, $3, $4, 'working', $5, $6, $7, $8, $9) ON CONFLICT (merchant_id, act_id) DO NOTHING RETURNING true
"""
_ROWS: Final = """
INSERT INTO bulk_act_rows (merchant_id, act_id, row_no, order_id, state)
SELECT $1, $2, i.row_no, i.order_id, 'waiting' FROM unnest($3::uuid[]) WITH ORDINALITY AS i (order_id, row_no)
"""
_LOCK: Final = "SELECT * FROM bulk_acts WHERE merchant_id = $1 AND act_id = $2 FOR UPDATE"
_WAITING: Final = """
SELECT row_no, order_id FROM bulk_act_rows
WHERE merchant_id = $1 AND act_id = $2 AND state = 'waiting' ORDER BY row_no LIMIT $3
"""
# What another process has answered meanwhile keeps that answer, and is not counted again.
_ANSWER: Final = """
WITH told AS (
  UPDATE bulk_act_rows r SET state = i.state, answer = i.answer
  FROM jsonb_to_recordset($3) AS i (row_no int, state text, answer text)
  WHERE r.merchant_id = $1 AND r.act_id = $2 AND r.row_no = i.row_no AND r.state = 'waiting' RETURNING r.state
)
UPDATE bulk_acts SET done_count = done_count + (SELECT count(*) FROM told WHERE state = 'done'),
  refused_count = refused_count + (SELECT count(*) FROM told WHERE state = 'refused')
WHERE merchant_id = $1 AND act_id = $2
"""
_LEAVE: Final = """
UPDATE bulk_act_rows SET state = 'left' WHERE merchant_id = $1 AND act_id = $2 AND state = 'waiting'
"""
_FINISH: Final = """
UPDATE bulk_acts SET state = $3, finished_at = $4, note = '', said = '[]' WHERE merchant_id = $1 AND act_id = $2
"""
_FORGET: Final = "UPDATE bulk_acts SET said = '[]' WHERE merchant_id = $1 AND state = 'working'"
_STOP: Final = """
UPDATE bulk_acts SET stop_asked_at = coalesce(stop_asked_at, $3)
WHERE merchant_id = $1 AND act_id = $2 AND state = 'working' RETURNING true
"""


async def begin_act(tx: asyncpg.Connection, row: Mapping[str, Any], order_ids: Sequence[UUID]) -> bool:
    """False when it was taken before."""
    key = (row["merchant_id"], row["act_id"])
    values = (row["action"], row["note"], row["said"], len(order_ids), row["actor"], row["request_id"], row["asked_at"])
    if await tx.fetchval(_BEGIN, *key, *values) is None:
        return False
    await tx.execute(_ROWS, *key, list(order_ids))
    return True


async def lock_act(tx: asyncpg.Connection, key: Key) -> asyncpg.Record | None:
    return await tx.fetchrow(_LOCK, *key)


async def waiting_of(tx: asyncpg.Connection, key: Key, limit: int) -> list[asyncpg.Record]:
    return await tx.fetch(_WAITING, *key, limit)  # type: ignore[no-any-return]


async def answer_act(tx: asyncpg.Connection, key: Key, answers: Sequence[Mapping[str, Any]]) -> None:
    await tx.execute(_ANSWER, *key, list(answers))


async def finish_act(tx: asyncpg.Connection, key: Key, state: str, at: datetime) -> None:
    """What was not begun is left."""
    await tx.execute(_LEAVE, *key)
    await tx.execute(_FINISH, *key, state, at)


async def forget_lists_of(tx: asyncpg.Connection, merchant_id: UUID) -> None:
    """In whose words somebody may stand; the orders are chosen."""
    await tx.execute(_FORGET, merchant_id)


async def ask_act_stop(connection: asyncpg.Connection, key: Key, at: datetime) -> bool:
    """False when it is finished, or was never there."""
    return await connection.fetchval(_STOP, *key, at) is not None
