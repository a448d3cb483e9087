"""Somebody's own account: sessions, and what was done to it. People database."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

_SESSIONS: Final = """
SELECT session_hash, world, created_at, seen_at, address, browser FROM sessions
WHERE user_id = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY seen_at DESC, session_hash LIMIT $4
"""
_LOG: Final = """
SELECT l.log_id, l.at, l.actor, l.action, l.facts, m.mail_state, m.mail_why
FROM account_log l LEFT JOIN account_mails m USING (log_id) WHERE l.user_id = $1 ORDER BY l.log_id DESC LIMIT $2
"""


async def open_sessions(
    connection: asyncpg.Connection, user_id: UUID, now: datetime, seen_after: datetime, limit: int
) -> list[asyncpg.Record]:
    """The one seen last first."""
    return await connection.fetch(_SESSIONS, user_id, now, seen_after, limit)  # type: ignore[no-any-return]


async def account_lines(connection: asyncpg.Connection, user_id: UUID, limit: int) -> list[asyncpg.Record]:
    """Newest first."""
    return await connection.fetch(_LOG, user_id, limit)  # type: ignore[no-any-return]


async def login_of(connection: asyncpg.Connection, user_id: UUID) -> str:
    """The e-mail, or what stands for it; empty for nobody."""
    return await connection.fetchval("SELECT email FROM users WHERE user_id = $1", user_id) or ""


async def password_of(connection: asyncpg.Connection, user_id: UUID) -> str | None:
    """The hash that is kept; None for somebody who is blocked or none."""
    sql = "SELECT password_hash FROM users WHERE user_id = $1 AND state = 'active'"
    return await connection.fetchval(sql, user_id)  # type: ignore[no-any-return]
