"""Somebody changes their own account. People database; wall time."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

_EXCHANGE: Final = """
UPDATE users SET password_hash = $3, email = coalesce($4, email)
WHERE user_id = $1 AND password_hash = $2 RETURNING 1
"""
_OFFERS: Final = """
UPDATE second_factors SET sealed_offer = NULL, offered_to = NULL, offered_at = NULL WHERE offered_at <= $1
"""
_END_LOOKS: Final = """
UPDATE looks l SET ended_at = $2, ended_how = 'signed_out' FROM sessions s
WHERE s.user_id = $1 AND (s.session_hash = $3 OR s.session_hash <> $4) AND l.look_id = s.look_id
  AND l.staff_id = s.user_id AND l.ended_at IS NULL AND l.expires_at > $2
"""


async def exchange_password(
    tx: asyncpg.Connection, user_id: UUID, old_hash: str, new_hash: str, login: str | None = None
) -> bool:
    """Whether the old one was kept still. `login`: what stands for the e-mail from now on, where it goes by the
    password."""
    return await tx.fetchval(_EXCHANGE, user_id, old_hash, new_hash, login) is not None


async def rename(tx: asyncpg.Connection, user_id: UUID, name: str) -> bool:
    """Whether it was another."""
    sql = "UPDATE users SET name = $2 WHERE user_id = $1 AND name <> $2 RETURNING 1"
    return await tx.fetchval(sql, user_id, name) is not None


async def end_session(tx: asyncpg.Connection, user_id: UUID, session_hash: bytes, now: datetime) -> bool:
    """With what it looks as somebody else by. Whether it was one of theirs."""
    await tx.execute(_END_LOOKS, user_id, now, session_hash, None)
    sql = "DELETE FROM sessions WHERE user_id = $1 AND session_hash = $2 RETURNING 1"
    return await tx.fetchval(sql, user_id, session_hash) is not None


async def end_sessions(tx: asyncpg.Connection, user_id: UUID, now: datetime, but: bytes = b"") -> int:
    """All but the one named; answers how many."""
    await tx.execute(_END_LOOKS, user_id, now, None, but)
    done = await tx.fetch("DELETE FROM sessions WHERE user_id = $1 AND session_hash <> $2 RETURNING 1", user_id, but)
    return len(done)


async def forget_over(
    connection: asyncpg.Connection, now: datetime, idle_since: datetime, offered_before: datetime,
    sign_ups_before: datetime,
) -> None:  # fmt: skip
    """Sessions and sign-ins that are over, with what was kept of them; tries that count no more; second factors that
    were offered and never taken; sign-ups that nobody went on with."""
    await connection.execute(_OFFERS, offered_before)
    await connection.execute("DELETE FROM second_factors WHERE sealed_secret IS NULL AND sealed_offer IS NULL")
    await connection.execute("DELETE FROM sessions WHERE expires_at <= $1 OR seen_at <= $2", now, idle_since)
    await connection.execute("DELETE FROM half_sign_ins WHERE expires_at <= $1", now)
    await connection.execute("DELETE FROM signin_failures WHERE until <= $1", now)
    await connection.execute("DELETE FROM unfinished_sign_ups WHERE begun_at <= $1", sign_ups_before)
