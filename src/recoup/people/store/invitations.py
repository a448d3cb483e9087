"""Invitations to a partner or merchant, and the mail that carries each. People database; wall
time."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from recoup.db.statement import PEOPLE, Read, Row, Tx
from recoup.people.store.people import lock_user


class Invitation(Row):
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


@PEOPLE.statement("""
SELECT i.invitation_id, i.email, i.role, i.created_at, i.expires_at, i.accepted_at, i.revoked_at,
  i.mail_state,
  i.mail_why, b.name AS invited_by, a.name AS accepted_by, a.email AS accepted_email,
  CASE WHEN i.accepted_at IS NOT NULL THEN 'accepted' WHEN i.revoked_at IS NOT NULL THEN 'revoked'
    WHEN i.expires_at <= $3 THEN 'expired' ELSE 'open' END AS state
FROM invitations i JOIN users b ON b.user_id = i.invited_by
  LEFT JOIN users a ON a.user_id = i.accepted_by
WHERE i.subject_kind = $1 AND i.subject_id = $2 ORDER BY i.invitation_id DESC LIMIT $4
""")
async def list_invitations(
    db: Read, subject_kind: str, subject_id: UUID, now: datetime, limit: int
) -> list[Invitation]:
    """Newest first."""


class OpenInvitation(Row):
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


@PEOPLE.statement("""
SELECT i.invitation_id, i.email, i.subject_kind, i.subject_id, i.subject_name, i.role, i.expires_at,
  b.name AS invited_by, EXISTS (SELECT FROM users u WHERE u.email = i.email) AS known
FROM invitations i JOIN users b ON b.user_id = i.invited_by
WHERE i.token_hash = $1 AND i.world = $2 AND i.accepted_at IS NULL AND i.revoked_at IS NULL
  AND i.expires_at > $3
""")
async def open_invitation(
    db: Read, token_hash: bytes, world: str, now: datetime
) -> OpenInvitation | None:
    """The invitation; None for one that is unknown, used, over or revoked."""


@PEOPLE.statement("""
SELECT count(*) FROM invitations WHERE subject_kind = $1 AND subject_id = $2 AND accepted_at IS NULL
  AND created_at > $3
""")
async def count_invitations(db: Read, subject_kind: str, subject_id: UUID, since: datetime) -> int:
    """Counts the invitations that nobody has taken, revoked ones too, and that were made since."""


@PEOPLE.statement("SELECT count(*) FROM invitations WHERE invited_by = $1 AND created_at > $2")
async def count_sent(db: Read, user_id: UUID, since: datetime) -> int:
    """Counts the invitations by this person, to whatever they own."""


class Member(Row):
    user_id: UUID
    name: str
    email: str
    role: str
    created_at: datetime


@PEOPLE.statement("""
SELECT u.user_id, u.name, u.email, m.role, m.created_at FROM memberships m
  JOIN users u USING (user_id)
WHERE m.subject_kind = $1 AND m.subject_id = $2 AND m.world = $4 AND u.state = 'active'
ORDER BY array_position(ARRAY['owner', 'operations', 'developer', 'analyst'], m.role), lower(u.name)
  LIMIT $3
""")
async def members_of(
    db: Read, subject_kind: str, subject_id: UUID, limit: int, world: str
) -> list[Member]:
    """The members in this world. The strongest roles first."""


class FormerMember(Row):
    name: str
    email: str
    role: str
    by_name: str
    at: datetime


@PEOPLE.statement("""
SELECT u.name, u.email, l.role, b.name AS by_name, l.at FROM membership_log l
  JOIN users u USING (user_id)
JOIN users b ON b.user_id = l.by_user
WHERE l.subject_kind = $1 AND l.subject_id = $2 AND l.happening = 'ended'
  ORDER BY l.at DESC, l.log_id DESC LIMIT $3
""")
async def left(db: Read, subject_kind: str, subject_id: UUID, limit: int) -> list[FormerMember]:
    """People whose membership ended, the last first, and who ended it."""


@PEOPLE.statement("SELECT FROM partners WHERE partner_id = $1 FOR NO KEY UPDATE")
async def _lock_partner(db: Tx, partner_id: UUID) -> None: ...


@PEOPLE.statement(
    "SELECT FROM merchant_worlds WHERE merchant_id = $1 ORDER BY world FOR NO KEY UPDATE"
)
async def _lock_merchant(db: Tx, merchant_id: UUID) -> None: ...


async def lock_inviting(db: Tx, user_id: UUID, subject: tuple[str, UUID]) -> None:
    """Locks inviting: what one person sends, and what is sent for one subject, is counted one by
    one until the transaction ends."""
    kind, subject_id = subject
    await lock_user(db, user_id)
    await (_lock_partner if kind == "partner" else _lock_merchant)(db, subject_id)


@PEOPLE.statement("""
INSERT INTO invitations (invitation_id, token_hash, sealed_token, email, subject_kind, subject_id,
  subject_name, role,
  world, invited_by, created_at, expires_at, mail_due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
""")
async def add_invitation(
    db: Tx,
    *,
    invitation_id: UUID,
    token_hash: bytes,
    sealed_token: bytes,
    email: str,
    subject_kind: str,
    subject_id: UUID,
    subject_name: str,
    role: str,
    world: str,
    invited_by: UUID,
    created_at: datetime,
    expires_at: datetime,
    mail_due_at: datetime,
) -> None:
    """Its mail is owed."""


class TakenInvitation(Row):
    invitation_id: UUID
    subject_kind: str
    subject_id: UUID
    role: str
    email: str


# Of two at once the second waits for the first, and finds it used.
@PEOPLE.statement("""
UPDATE invitations SET accepted_at = $3, accepted_by = $4, mail_due_at = NULL, sealed_token = NULL,
  mail_state = CASE mail_state WHEN 'owed' THEN 'dropped' ELSE mail_state END
WHERE token_hash = $1 AND world = $2 AND accepted_at IS NULL AND revoked_at IS NULL
  AND expires_at > $3
RETURNING invitation_id, subject_kind, subject_id, role, email
""")
async def take_invitation(
    db: Tx, token_hash: bytes, world: str, now: datetime, user_id: UUID
) -> TakenInvitation | None:
    """Takes the invitation; None for one that is unknown, used, over or revoked."""


@PEOPLE.statement("""
UPDATE invitations SET revoked_at = $4, revoked_by = $5, mail_due_at = NULL, sealed_token = NULL,
  mail_state = CASE mail_state WHEN 'owed' THEN 'dropped' ELSE mail_state END
WHERE invitation_id = $1 AND subject_kind = $2 AND subject_id = $3 AND accepted_at IS NULL
  AND revoked_at IS NULL
RETURNING role
""")
async def revoke_invitation(
    db: Tx, invitation_id: UUID, subject_kind: str, subject_id: UUID, now: datetime, user_id: UUID
) -> str | None:
    """Its role; None when it was not open."""


@PEOPLE.statement("""
INSERT INTO memberships (user_id, subject_kind, subject_id, role, created_at, world)
  VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
""")
async def join(
    db: Tx, user_id: UUID, subject_kind: str, subject_id: UUID, role: str, now: datetime, world: str
) -> None:
    """Makes a user a member in this world. A present member keeps their role."""


class InvitationMail(Row):
    invitation_id: UUID
    email: str
    subject_kind: str
    subject_name: str
    role: str
    sealed_token: bytes
    expires_at: datetime
    mail_tries: int
    zone: str
    language: str


# The intent: its taker has until $2 to say what became of it.
@PEOPLE.statement("""
UPDATE invitations i SET mail_due_at = $2, mail_tries = mail_tries + 1
FROM (SELECT d.invitation_id, coalesce(own.zone, theirs.zone, 'GMT') AS zone,
    coalesce(nullif(own.language, ''), nullif(theirs.language, ''), 'en') AS language
  FROM invitations d LEFT JOIN users u ON u.email = d.email
    LEFT JOIN person_settings own ON own.user_id = u.user_id
    LEFT JOIN person_settings theirs ON theirs.user_id = d.invited_by
  WHERE d.mail_due_at <= $1 AND d.world = $3 AND ($5::uuid IS NULL OR d.invitation_id = $5)
  ORDER BY d.mail_due_at LIMIT $4 FOR UPDATE OF d SKIP LOCKED) due
WHERE i.invitation_id = due.invitation_id
RETURNING i.invitation_id, i.email, i.subject_kind, i.subject_name, i.role, i.sealed_token,
  i.expires_at, i.mail_tries,
  due.zone, due.language
""")
async def claim_mails(
    db: Tx,
    now: datetime,
    until: datetime,
    world: str,
    limit: int,
    invitation_id: UUID | None = None,
) -> list[InvitationMail]: ...


@PEOPLE.statement("""
UPDATE invitations SET mail_state = $3, mail_due_at = $4, mail_why = $5,
  sealed_token = CASE WHEN $4::timestamptz IS NULL THEN NULL ELSE sealed_token END
WHERE invitation_id = $1 AND mail_tries = $2 AND mail_state = 'owed'
""")
async def close_mail(
    db: Tx, invitation_id: UUID, tries: int, state: str, again_at: datetime | None, why: str
) -> None:
    """Records the outcome of the attempt with this number; `again_at` None: it is not sent
    again."""
