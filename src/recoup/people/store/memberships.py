"""Memberships end. People database; wall time. Locks: the one who invites, then the subject's
memberships."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from recoup.db.statement import PEOPLE, Read, Row, Tx
from recoup.kernel.ids import new_id


class Membership(Row):
    """`active`: whether the user may sign in."""

    user_id: UUID
    role: str
    active: bool
    world: str


# Owners that may sign in, and the given one: of two that end each other the second finds one owner
# left.
@PEOPLE.statement("""
SELECT m.user_id, m.role, u.state = 'active' AS active, m.world FROM memberships m
  JOIN users u USING (user_id)
WHERE m.subject_kind = $1 AND m.subject_id = $2 AND (m.role = 'owner' OR m.user_id = $3)
ORDER BY m.user_id, m.world FOR UPDATE OF m
""")
async def lock_owners_and(
    db: Tx, subject_kind: str, subject_id: UUID, user_id: UUID
) -> list[Membership]:
    """The subject's owners, and this one."""


# By a membership elsewhere: the operator's, or the merchant's partner's.
@PEOPLE.statement("""
SELECT m.world FROM memberships m WHERE m.user_id = $1 AND m.role = 'owner'
  AND (m.subject_kind = 'operator'
  OR m.subject_kind = 'partner' AND $2 = 'merchant' AND EXISTS (
    SELECT FROM merchant_worlds w WHERE w.merchant_id = $3 AND w.partner_id = m.subject_id
      AND w.world = m.world))
""")
async def owned_from_above(
    db: Read, user_id: UUID, subject_kind: str, subject_id: UUID
) -> list[str]:
    """The worlds in which somebody owns it as its partner's or the operator's."""


@PEOPLE.statement(
    "SELECT DISTINCT world FROM memberships WHERE subject_kind = $1 AND subject_id = $2 ORDER BY "
    "world"
)
async def worlds_with_members(db: Read, subject_kind: str, subject_id: UUID) -> list[str]: ...


# A flow that ends it meanwhile waits, and then finds what was sent by it. A list: asked for one
# row, it would lock only that.
@PEOPLE.statement("""
SELECT m.user_id FROM memberships m
WHERE m.user_id = $1 AND m.role = 'owner' AND m.world = $4 AND (m.subject_kind = 'operator'
  OR m.subject_kind = $2 AND m.subject_id = $3 OR m.subject_kind = 'partner' AND $2 = 'merchant'
    AND EXISTS (
    SELECT FROM merchant_worlds w WHERE w.merchant_id = $3 AND w.partner_id = m.subject_id))
ORDER BY m.subject_kind, m.subject_id FOR KEY SHARE OF m
""")
async def _lock_ownerships(
    db: Tx, user_id: UUID, subject_kind: str, subject_id: UUID, world: str
) -> list[UUID]: ...


async def lock_ownership(
    db: Tx, user_id: UUID, subject_kind: str, subject_id: UUID, world: str
) -> bool:
    """Locks ownership. True when they own it in this world: as its member, its partner's, or the
    operator's. It stays so until the commit."""
    return bool(await _lock_ownerships(db, user_id, subject_kind, subject_id, world))


@PEOPLE.statement("""
DELETE FROM memberships WHERE subject_kind = $1 AND subject_id = $2 AND user_id = $3
  AND world = ANY($4::text[])
""")
async def _end(
    db: Tx, subject_kind: str, subject_id: UUID, user_id: UUID, worlds: Sequence[str]
) -> None: ...


# Those that they sent, and those by which they could come back.
@PEOPLE.statement("""
UPDATE invitations SET revoked_at = $4, revoked_by = $5, mail_due_at = NULL, sealed_token = NULL,
  mail_state = CASE mail_state WHEN 'owed' THEN 'dropped' ELSE mail_state END
WHERE subject_kind = $1 AND subject_id = $2 AND accepted_at IS NULL AND revoked_at IS NULL
  AND (invited_by = $3 OR email = (SELECT email FROM users WHERE user_id = $3))
""")
async def _revoke(
    db: Tx, subject_kind: str, subject_id: UUID, user_id: UUID, at: datetime, by: UUID
) -> None: ...


async def end_membership(
    db: Tx,
    subject: tuple[str, UUID],
    user_id: UUID,
    role: str,
    *,
    by: UUID,
    request_id: str,
    at: datetime,
    worlds: Sequence[str],
) -> None:
    """Ends a membership in these worlds, with the open invitations there that they sent or may use;
    under the lock, and noted."""
    await _end(db, *subject, user_id, worlds)
    await _revoke(db, *subject, user_id, at, by)
    await note_membership(
        db, subject, user_id, None, role, "ended", by=by, request_id=request_id, at=at
    )


@PEOPLE.statement("""
INSERT INTO membership_log (log_id, subject_kind, subject_id, user_id, invitation_id, role,
  happening, by_user,
  request_id, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
""")
async def _add_line(
    db: Tx,
    log_id: UUID,
    subject_kind: str,
    subject_id: UUID,
    user_id: UUID | None,
    invitation_id: UUID | None,
    role: str,
    happening: str,
    by_user: UUID,
    request_id: str,
    at: datetime,
) -> None: ...


async def note_membership(
    db: Tx,
    subject: tuple[str, UUID],
    user_id: UUID | None,
    invitation_id: UUID | None,
    role: str,
    happening: str,
    *,
    by: UUID,
    request_id: str,
    at: datetime,
) -> None:
    """`happening` invited, revoked, joined or ended; `user_id` None for the first two."""
    await _add_line(
        db, new_id(), *subject, user_id, invitation_id, role, happening, by, request_id, at
    )
