"""Mails that are owed, and the switches of notices."""

from datetime import datetime
from uuid import UUID

import asyncpg

_LOCK = "SELECT * FROM mails WHERE merchant_id = $1 AND mail_id = $2 FOR UPDATE"
_CHANGE = "UPDATE mails SET state = $3, tries = $4, why = $5 WHERE merchant_id = $1 AND mail_id = $2"
_SWITCH = """
INSERT INTO notice_settings (merchant_id, notice, enabled, actor, changed_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, notice) DO UPDATE SET enabled = EXCLUDED.enabled, actor = EXCLUDED.actor,
  changed_at = EXCLUDED.changed_at
"""


async def lock_mail(connection: asyncpg.Connection, merchant_id: UUID, mail_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_LOCK, merchant_id, mail_id)


async def change_mail(
    connection: asyncpg.Connection, merchant_id: UUID, mail_id: UUID, *, state: str, tries: int, why: str
) -> None:
    await connection.execute(_CHANGE, merchant_id, mail_id, state, tries, why)


async def switch_notice(
    connection: asyncpg.Connection, merchant_id: UUID, notice: str, enabled: bool, actor: str, at: datetime
) -> None:
    await connection.execute(_SWITCH, merchant_id, notice, enabled, actor, at)
