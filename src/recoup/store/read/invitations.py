"""Invitations to a partner or merchant. People database; wall time."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from recoup.store.homes import PEOPLE
from recoup.store.statement import Read, Row, statement


class Invitation(Row, frozen=True):
    invitation_id: UUID
    email: str
    role: str
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None
    mail_state: Literal["owed", "sent", "refused", "given_up", "dropped"]
    mail_why: str
    invited_by: str
    accepted_by: str | None
    accepted_email: str | None
    state: Literal["accepted", "revoked", "expired", "open"]


@statement(
    PEOPLE,
    """
SELECT i.invitation_id, i.email, i.role, i.created_at, i.expires_at, i.accepted_at, i.revoked_at, i.mail_state,
  i.mail_why, b.name AS invited_by, a.name AS accepted_by, a.email AS accepted_email,
  CASE WHEN i.accepted_at IS NOT NULL THEN 'accepted' WHEN i.revoked_at IS NOT NULL THEN 'revoked'
    WHEN i.expires_at <= $3 THEN 'expired' ELSE 'open' END AS state
FROM invitations i JOIN users b ON b.user_id = i.invited_by LEFT JOIN users a ON a.user_id = i.accepted_by
WHERE i.subject_kind = $1 AND i.subject_id = $2 ORDER BY i.invitation_id DESC LIMIT $4
""",
)
async def list_invitations(
    db: Read, subject_kind: str, subject_id: UUID, now: datetime, limit: int
) -> list[Invitation]:
    """Newest first."""


class OpenInvitation(Row, frozen=True):
    """`known`: somebody has this e-mail."""

    invitation_id: UUID
    email: str
    subject_kind: str
    subject_id: UUID
    subject_name: str
    role: str
    expires_at: datetime
    invited_by: str
    known: bool


@statement(
    PEOPLE,
    """
SELECT i.invitation_id, i.email, i.subject_kind, i.subject_id, i.subject_name, i.role, i.expires_at,
  b.name AS invited_by, EXISTS (SELECT FROM users u WHERE u.email = i.email) AS known
FROM invitations i JOIN users b ON b.user_id = i.invited_by
WHERE i.token_hash = $1 AND i.world = $2 AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $3
""",
)
async def open_invitation(db: Read, token_hash: bytes, world: str, now: datetime) -> OpenInvitation | None:
    """None for one that is unknown, used, over or revoked."""


@statement(
    PEOPLE,
    """
SELECT count(*) FROM invitations WHERE subject_kind = $1 AND subject_id = $2 AND accepted_at IS NULL
  AND created_at > $3
""",
)
async def count_invitations(db: Read, subject_kind: str, subject_id: UUID, since: datetime) -> int:
    """Those that nobody has taken, revoked ones too, and that were made since."""


@statement(PEOPLE, "SELECT count(*) FROM invitations WHERE invited_by = $1 AND created_at > $2")
async def count_sent(db: Read, user_id: UUID, since: datetime) -> int:
    """By this person, to whatever they own."""


class Member(Row, frozen=True):
    user_id: UUID
    name: str
    email: str
    role: str
    created_at: datetime


@statement(
    PEOPLE,
    """
SELECT u.user_id, u.name, u.email, m.role, m.created_at FROM memberships m JOIN users u USING (user_id)
WHERE m.subject_kind = $1 AND m.subject_id = $2 AND m.world = $4 AND u.state = 'active'
ORDER BY array_position(ARRAY['owner', 'operations', 'developer', 'analyst'], m.role), lower(u.name) LIMIT $3
""",
)
async def members_of(db: Read, subject_kind: str, subject_id: UUID, limit: int, world: str) -> list[Member]:
    """In this world. The strongest roles first."""


class FormerMember(Row, frozen=True):
    name: str
    email: str
    role: str
    by_name: str
    at: datetime


@statement(
    PEOPLE,
    """
SELECT u.name, u.email, l.role, b.name AS by_name, l.at FROM membership_log l JOIN users u USING (user_id)
JOIN users b ON b.user_id = l.by_user
WHERE l.subject_kind = $1 AND l.subject_id = $2 AND l.happening = 'ended' ORDER BY l.at DESC, l.log_id DESC LIMIT $3
""",
)
async def left(db: Read, subject_kind: str, subject_id: UUID, limit: int) -> list[FormerMember]:
    """Whose membership ended, the last first, and who ended it."""
