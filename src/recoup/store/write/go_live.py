"""Questions whether a merchant may go live. Wall time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

_ASK: Final = """
INSERT INTO go_live_requests (merchant_id, request_id, state, kinds, conditions, asked_by, asked_at)
VALUES ($1, $2, 'asked', $3, $4, $5, $6)
"""
_DECIDE: Final = """
UPDATE go_live_requests SET state = $3, conditions = $4, note = $5, decided_by = $6, decided_at = $7
WHERE merchant_id = $1 AND request_id = $2 AND state = 'asked' RETURNING request_id
"""


async def note_opened(connection: asyncpg.Connection, merchant_id: UUID, request_id: UUID, at: datetime) -> None:
    sql = "UPDATE go_live_requests SET opened_at = $3 WHERE merchant_id = $1 AND request_id = $2"
    await connection.execute(sql, merchant_id, request_id, at)


async def add_request(
    tx: asyncpg.Connection, merchant_id: UUID, request_id: UUID, kinds: Sequence[str], holding: dict[str, bool],
    actor: str, at: datetime,
) -> None:  # fmt: skip
    """Raises: KeyTaken while another is open."""
    await tx.execute(_ASK, merchant_id, request_id, list(kinds), holding, actor, at)


async def decide_request(
    tx: asyncpg.Connection, merchant_id: UUID, request_id: UUID, state: str, holding: dict[str, bool], note: str,
    actor: str, at: datetime,
) -> bool:  # fmt: skip
    """Whether it was still open."""
    args: tuple[Any, ...] = (merchant_id, request_id, state, holding, note, actor, at)
    return await tx.fetchval(_DECIDE, *args) is not None
