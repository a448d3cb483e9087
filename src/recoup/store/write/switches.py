"""Switches and what is known of their changes. Whoever writes here has raised the merchant's version
first, and so holds its row."""

from typing import Any
from uuid import UUID

import asyncpg

# One literal a level and kind: a column's name is no value.
_SET = {
    "merchant": "UPDATE merchants SET {0} = $3 WHERE merchant_id = $1 AND merchant_id = $2",
    "site": "UPDATE sites SET {0} = $3 WHERE merchant_id = $1 AND site_id = $2",
    "campaign": "UPDATE campaigns SET {0} = $3 WHERE merchant_id = $1 AND campaign_id = $2",
}
_COLUMNS = ("cit_web", "cit_callcenter", "mit")
_NOTE = """
INSERT INTO switch_changes (merchant_id, version, level, subject_id, kind, is_on, why, actor, request_id, changed_at)
SELECT merchant_id, version, level, subject_id, kind, is_on, why, actor, request_id, changed_at
FROM jsonb_populate_recordset(NULL::switch_changes, $1)
"""


async def set_switch(
    connection: asyncpg.Connection, merchant_id: UUID, level: str, subject_id: UUID, kind: str, on: bool
) -> None:
    assert kind in _COLUMNS
    await connection.execute(_SET[level].format(kind), merchant_id, subject_id, on)


async def note_changes(connection: asyncpg.Connection, rows: list[dict[str, Any]]) -> None:
    """`rows` name every column."""
    if rows:
        await connection.execute(_NOTE, rows)
