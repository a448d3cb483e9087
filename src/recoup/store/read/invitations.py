"""Invitations to a partner or merchant. People database; wall time."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

_LIST: Final = """
SELECT i.invitation_id, i.email, i.role, i.created_at, i.expires_at, i.accepted_at, i.revoked_at, i.mail_state,
  i.mail_why, b.name AS invited_by, a.name AS accepted_by, a.email AS accepted_email,
  CASE WHEN i.accepted_at IS NOT NULL THEN 'accepted' WHEN i.revoked_at IS NOT NULL THEN 'revoked'
    WHEN i.expires_at <= $3 THEN 'expired' ELSE 'open' END AS state
FROM invitations i JOIN users b ON b.user_id = i.invited_by LEFT JOIN users a ON a.user_id = i.accepted_by
WHERE i.subject_kind = $1 AND i.subject_id = $2 ORDER BY i.invitation_id DESC LIMIT $4
"""
_OPEN: Final = """
SELECT i.invitation_id, i.email, i.subject_kind, i.subject_id, i.subject_name, i.role, i.expires_at,
  b.name AS invited_by, EXISTS (SELECT FROM users u WHERE u.email = i.email) AS known
FROM invitations i JOIN users b ON b.user_id = i.invited_by
WHERE i.token_hash = $1 AND i.world = $2 AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $3
"""
_COUNT: Final = """
SELECT count(*) FROM invitations WHERE subject_kind = $1 AND subject_id = $2 AND accepted_at IS NULL
  AND created_at > $3
"""
_MEMBERS: Final = """
SELECT u.user_id, u.name, u.email, m.role, m.created_at FROM memberships m JOIN users u USING (user_id)
WHERE m.subject_kind = $1 AND m.subject_id = $2 AND m.world = $4 AND u.state = 'active'
ORDER BY array_position(ARRAY['owner', 'operations', 'developer', 'analyst'], m.role), lower(u.name) LIMIT $3
"""

_LEFT: Final = """
SELECT u.name, u.email, l.role, b.name AS by_name, l.at FROM membership_log l JOIN users u USING (user_id)
JOIN users b ON b.user_id = l.by_user
WHERE l.subject_kind = $1 AND l.subject_id = $2 AND l.happening = 'ended' ORDER BY l.at DESC, l.log_id DESC LIMIT $3
"""


async def list_invitations(
    connection: asyncpg.Connection, subject: tuple[str, UUID], now: datetime, limit: int
) -> list[asyncpg.Record]:
    """Newest first."""
    return await connection.fetch(_LIST, *subject, now, limit)  # type: ignore[no-any-return]


async def open_invitation(
    connection: asyncpg.Connection, token_hash: bytes, world: str, now: datetime
) -> asyncpg.Record | None:
    """None for one that is unknown, used, over or revoked. `known`: somebody has this e-mail."""
    return await connection.fetchrow(_OPEN, token_hash, world, now)


async def count_invitations(connection: asyncpg.Connection, subject: tuple[str, UUID], since: datetime) -> int:
    """Those that nobody has taken, revoked ones too, and that were made since."""
    return int(await connection.fetchval(_COUNT, *subject, since))


async def count_sent(connection: asyncpg.Connection, user_id: UUID, since: datetime) -> int:
    """By this person, to whatever they own."""
    sql = "SELECT count(*) FROM invitations WHERE invited_by = $1 AND created_at > $2"
    return int(await connection.fetchval(sql, user_id, since))


async def members_of(
    connection: asyncpg.Connection, subject: tuple[str, UUID], limit: int, world: str
) -> list[asyncpg.Record]:
    """In this world. The strongest roles first."""
    return await connection.fetch(_MEMBERS, *subject, limit, world)  # type: ignore[no-any-return]


async def left(connection: asyncpg.Connection, subject: tuple[str, UUID], limit: int) -> list[asyncpg.Record]:
    """Whose membership ended, the last first, and who ended it."""
    return await connection.fetch(_LEFT, *subject, limit)  # type: ignore[no-any-return]
