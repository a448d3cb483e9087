"""Invitations, and the mail that carries each. People database; wall time."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

_ADD: Final = """
INSERT INTO invitations (invitation_id, token_hash, sealed_token, email, subject_kind, subject_id, subject_name, role,
  world, invited_by, created_at, expires_at, mail_due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
# Of two at once the second waits for the first, and finds it used.
_TAKE: Final = """
UPDATE invitations SET accepted_at = $3, accepted_by = $4, mail_due_at = NULL, sealed_token = NULL,
  mail_state = CASE mail_state WHEN 'owed' THEN 'dropped' ELSE mail_state END
WHERE token_hash = $1 AND world = $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $3
RETURNING subject_kind, subject_id, role, email
"""
_REVOKE: Final = """
UPDATE invitations SET revoked_at = $4, revoked_by = $5, mail_due_at = NULL, sealed_token = NULL,
  mail_state = CASE mail_state WHEN 'owed' THEN 'dropped' ELSE mail_state END
WHERE invitation_id = $1 AND subject_kind = $2 AND subject_id = $3 AND accepted_at IS NULL AND revoked_at IS NULL
RETURNING invitation_id
"""
_JOIN: Final = """
INSERT INTO memberships (user_id, subject_kind, subject_id, role, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""
# The intent: whoever takes it has until $2 to say what became of it.
_CLAIM: Final = """
UPDATE invitations i SET mail_due_at = $2, mail_tries = mail_tries + 1
FROM (SELECT invitation_id FROM invitations
  WHERE mail_due_at <= $1 AND world = $3 AND ($4::uuid IS NULL OR invitation_id = $4)
  ORDER BY mail_due_at LIMIT $5 FOR UPDATE SKIP LOCKED) due
WHERE i.invitation_id = due.invitation_id
RETURNING i.invitation_id, i.email, i.subject_kind, i.subject_name, i.role, i.sealed_token, i.expires_at, i.mail_tries
"""
_CLOSE: Final = """
UPDATE invitations SET mail_state = $3, mail_due_at = $4, mail_why = $5,
  sealed_token = CASE WHEN $4::timestamptz IS NULL THEN NULL ELSE sealed_token END
WHERE invitation_id = $1 AND mail_tries = $2 AND mail_state = 'owed'
"""


async def lock_inviting(tx: asyncpg.Connection, user_id: UUID, subject: tuple[str, UUID]) -> None:
    """What one person sends, and what is sent for one subject, is counted one by one until the transaction ends."""
    await tx.execute("SELECT FROM users WHERE user_id = $1 FOR NO KEY UPDATE", user_id)
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"invite:{subject[0]}:{subject[1]}")


async def add_invitation(tx: asyncpg.Connection, **row: Any) -> None:
    await tx.execute(_ADD, *(row[name] for name in (
        "invitation_id", "token_hash", "sealed_token", "email", "subject_kind", "subject_id", "subject_name", "role",
        "world", "invited_by", "created_at", "expires_at", "mail_due_at",
    )))  # fmt: skip


async def take_invitation(
    tx: asyncpg.Connection, token_hash: bytes, world: str, now: datetime, user_id: UUID
) -> asyncpg.Record | None:
    """`subject_kind`, `subject_id`, `role`, `email`; None for one that is unknown, used, over or revoked."""
    return await tx.fetchrow(_TAKE, token_hash, world, now, user_id)


async def revoke_invitation(
    tx: asyncpg.Connection, invitation_id: UUID, subject: tuple[str, UUID], now: datetime, user_id: UUID
) -> bool:
    """Whether it was open."""
    return await tx.fetchval(_REVOKE, invitation_id, *subject, now, user_id) is not None


async def join(
    tx: asyncpg.Connection, user_id: UUID, subject: tuple[str, UUID], role: str, now: datetime
) -> None:
    """Whoever is a member already stays what they are."""
    await tx.execute(_JOIN, user_id, *subject, role, now)


async def claim_mails(
    connection: asyncpg.Connection, now: datetime, until: datetime, world: str, limit: int,
    invitation_id: UUID | None = None,
) -> list[asyncpg.Record]:  # fmt: skip
    return await connection.fetch(_CLAIM, now, until, world, invitation_id, limit)  # type: ignore[no-any-return]


async def close_mail(
    connection: asyncpg.Connection, invitation_id: UUID, tries: int, state: str, again_at: datetime | None, why: str
) -> None:
    """What became of the try with this number; `again_at` None: it is not sent again."""
    await connection.execute(_CLOSE, invitation_id, tries, state, again_at, why)
