"""Invitations, and the mail that carries each. People database; wall time."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from recoup.store.write.people import lock_user

_ADD: Final = """
INSERT INTO invitations (invitation_id, token_hash, sealed_token, email, subject_kind, subject_id, subject_name, role,
  world, invited_by, created_at, expires_at, mail_due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_LOCK: Final = {
    "partner": "SELECT FROM partners WHERE partner_id = $1 FOR NO KEY UPDATE",
    "merchant": "SELECT FROM merchant_worlds WHERE merchant_id = $1 ORDER BY world FOR NO KEY UPDATE",
}
# Of two at once the second waits for the first, and finds it used.
_TAKE: Final = """
UPDATE invitations SET accepted_at = $3, accepted_by = $4, mail_due_at = NULL, sealed_token = NULL,
  mail_state = CASE mail_state WHEN 'owed' THEN 'dropped' ELSE mail_state END
WHERE token_hash = $1 AND world = $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $3
RETURNING invitation_id, subject_kind, subject_id, role, email
"""
_REVOKE: Final = """
UPDATE invitations SET revoked_at = $4, revoked_by = $5, mail_due_at = NULL, sealed_token = NULL,
  mail_state = CASE mail_state WHEN 'owed' THEN 'dropped' ELSE mail_state END
WHERE invitation_id = $1 AND subject_kind = $2 AND subject_id = $3 AND accepted_at IS NULL AND revoked_at IS NULL
RETURNING role
"""
_JOIN: Final = """
INSERT INTO memberships (user_id, subject_kind, subject_id, role, created_at, world) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
"""
# The intent: whoever takes it has until $2 to say what became of it.
_CLAIM: Final = """
UPDATE invitations i SET mail_due_at = $2, mail_tries = mail_tries + 1
FROM (SELECT d.invitation_id, coalesce(own.zone, theirs.zone, 'GMT') AS zone,
    coalesce(nullif(own.language, ''), nullif(theirs.language, ''), 'en') AS language
  FROM invitations d LEFT JOIN users u ON u.email = d.email LEFT JOIN person_settings own ON own.user_id = u.user_id
    LEFT JOIN person_settings theirs ON theirs.user_id = d.invited_by
  WHERE d.mail_due_at <= $1 AND d.world = $3 AND ($4::uuid IS NULL OR d.invitation_id = $4)
  ORDER BY d.mail_due_at LIMIT $5 FOR UPDATE OF d SKIP LOCKED) due
WHERE i.invitation_id = due.invitation_id
RETURNING i.invitation_id, i.email, i.subject_kind, i.subject_name, i.role, i.sealed_token, i.expires_at, i.mail_tries,
  due.zone, due.language
"""
_CLOSE: Final = """
UPDATE invitations SET mail_state = $3, mail_due_at = $4, mail_why = $5,
  sealed_token = CASE WHEN $4::timestamptz IS NULL THEN NULL ELSE sealed_token END
WHERE invitation_id = $1 AND mail_tries = $2 AND mail_state = 'owed'
"""


async def lock_inviting(tx: asyncpg.Connection, user_id: UUID, subject: tuple[str, UUID]) -> None:
    """What one person sends, and what is sent for one subject, is counted one by one until the transaction ends."""
    await lock_user(tx, user_id)
    await tx.execute(_LOCK[subject[0]], subject[1])


async def add_invitation(tx: asyncpg.Connection, **row: Any) -> None:
    await tx.execute(_ADD, *(row[name] for name in (
        "invitation_id", "token_hash", "sealed_token", "email", "subject_kind", "subject_id", "subject_name", "role",
        "world", "invited_by", "created_at", "expires_at", "mail_due_at",
    )))  # fmt: skip


async def take_invitation(
    tx: asyncpg.Connection, token_hash: bytes, world: str, now: datetime, user_id: UUID
) -> asyncpg.Record | None:
    """Its id and `subject_kind`, `subject_id`, `role`, `email`; None for one that is unknown, used, over or revoked."""
    return await tx.fetchrow(_TAKE, token_hash, world, now, user_id)


async def revoke_invitation(
    tx: asyncpg.Connection, invitation_id: UUID, subject: tuple[str, UUID], now: datetime, user_id: UUID
) -> str | None:
    """Its role; None when it was not open."""
    return await tx.fetchval(_REVOKE, invitation_id, *subject, now, user_id)  # type: ignore[no-any-return]


async def join(
    tx: asyncpg.Connection, user_id: UUID, subject: tuple[str, UUID], role: str, now: datetime, world: str
) -> None:
    """In this world. Whoever is a member there already stays what they are."""
    await tx.execute(_JOIN, user_id, *subject, role, now, world)


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
