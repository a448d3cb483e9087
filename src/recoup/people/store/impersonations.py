"""Impersonations of a merchant's people by the operator's, and the mails about them. People
database; wall time. What was begun is never rewritten."""

from datetime import datetime
from uuid import UUID

from msgspec.structs import astuple

from recoup.db.statement import PEOPLE, Read, Row, Tx, columns_of


class Impersonation(Row):
    """`user_id` None: as nobody, with `role`; `name` of the user. `over`: ended, or its time is
    up."""

    impersonation_id: UUID
    merchant_id: UUID
    merchant_name: str
    user_id: UUID | None
    name: str
    role: str
    reason: str
    may_act: bool
    expires_at: datetime
    over: bool


@PEOPLE.statement("""
SELECT l.impersonation_id, l.merchant_id, coalesce(w.name, '') AS merchant_name, l.user_id,
  coalesce(u.name, '') AS name, l.role, l.reason, l.may_act, l.expires_at,
  l.ended_at IS NOT NULL OR l.expires_at <= $2 OR l.world <> s.world AS over
FROM sessions s JOIN impersonations l ON l.impersonation_id = s.impersonation_id
  AND l.staff_id = s.user_id
LEFT JOIN users u ON u.user_id = l.user_id
LEFT JOIN merchant_worlds w ON w.merchant_id = l.merchant_id AND w.world = l.world
WHERE s.session_hash = $1
""")
async def impersonation_of(db: Read, session_hash: bytes, now: datetime) -> Impersonation | None:
    """The last one of this session, over or not."""


class ImpersonationTarget(Row):
    user_id: UUID
    name: str
    role: str


@PEOPLE.statement("""
SELECT u.user_id, u.name, m.role FROM memberships m JOIN users u USING (user_id)
WHERE m.subject_kind = 'merchant' AND m.subject_id = $1 AND m.world = $3 AND u.state = 'active'
  AND u.user_id <> $2
  AND ($4::uuid IS NULL OR u.user_id = $4)
ORDER BY array_position(ARRAY['owner', 'operations', 'developer', 'analyst'], m.role), lower(u.name)
  LIMIT 200
""")
async def members_to_impersonate(
    db: Read, merchant_id: UUID, staff_id: UUID, world: str, user_id: UUID | None = None
) -> list[ImpersonationTarget]:
    """The merchant's own members, without the impersonator; or this one."""


class NewImpersonation(Row):
    """`user_id` None: as nobody, with the role."""

    impersonation_id: UUID
    staff_id: UUID
    world: str
    merchant_id: UUID
    user_id: UUID | None
    role: str
    reason: str
    may_act: bool
    request_id: str
    began_at: datetime
    expires_at: datetime


# One at a time in a session: of two forms at once the second waits here, and then finds the first.
@PEOPLE.statement("SELECT FROM sessions WHERE session_hash = $1 AND user_id = $2 FOR UPDATE")
async def _lock_session(db: Tx, session_hash: bytes, staff_id: UUID) -> None: ...


@PEOPLE.statement(f"""
INSERT INTO impersonations ({columns_of(NewImpersonation)})
SELECT $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
FROM sessions s LEFT JOIN impersonations l ON l.impersonation_id = s.impersonation_id
WHERE s.session_hash = $1 AND s.user_id = $3
  AND (l.impersonation_id IS NULL OR l.ended_at IS NOT NULL OR l.expires_at <= $11)
RETURNING impersonation_id
""")
async def _add_impersonation(
    db: Tx,
    session_hash: bytes,
    impersonation_id: UUID,
    staff_id: UUID,
    world: str,
    merchant_id: UUID,
    user_id: UUID | None,
    role: str,
    reason: str,
    may_act: bool,
    request_id: str,
    began_at: datetime,
    expires_at: datetime,
) -> bool: ...


@PEOPLE.statement("UPDATE sessions SET impersonation_id = $2 WHERE session_hash = $1")
async def _hold_impersonation(db: Tx, session_hash: bytes, impersonation_id: UUID) -> None: ...


@PEOPLE.statement("""
INSERT INTO impersonation_mails (impersonation_id, user_id, mail_id, world, mail_due_at)
SELECT $1, m.user_id, gen_random_uuid(), $3, $4 FROM memberships m JOIN users u USING (user_id)
WHERE m.subject_kind = 'merchant' AND m.subject_id = $2 AND m.world = $3 AND m.role = 'owner'
  AND u.state = 'active'
LIMIT 50
""")
async def _owe_mails(
    db: Tx, impersonation_id: UUID, merchant_id: UUID, world: str, due_at: datetime
) -> None: ...


async def begin_impersonation(db: Tx, session_hash: bytes, new: NewImpersonation) -> bool:
    """Begins an impersonation, with the mails to the merchant's owners. False when the session has
    one already, or is over."""
    await _lock_session(db, session_hash, new.staff_id)
    if not await _add_impersonation(db, session_hash, *astuple(new)):
        return False
    await _hold_impersonation(db, session_hash, new.impersonation_id)
    await _owe_mails(db, new.impersonation_id, new.merchant_id, new.world, new.began_at)
    return True


@PEOPLE.statement("""
UPDATE impersonations l SET ended_at = $2, ended_how = $3, ended_by_request = $4 FROM sessions s
WHERE s.session_hash = $1 AND l.impersonation_id = s.impersonation_id AND l.staff_id = s.user_id
  AND l.ended_at IS NULL
  AND l.expires_at > $2 RETURNING l.impersonation_id
""")
async def end_impersonation(
    db: Tx, session_hash: bytes, now: datetime, how: str, request_id: str | None = None
) -> bool:
    """The session's, if it is not over. `how`: ended, signed_out, not_staff or not_member."""


class ImpersonationMail(Row):
    """`staff`: the impersonator; `as_name` None: as nobody, with the role."""

    mail_id: UUID
    mail_tries: int
    email: str
    staff: str
    merchant_id: UUID
    role: str
    reason: str
    may_act: bool
    began_at: datetime
    expires_at: datetime
    zone: str
    language: str
    as_name: str | None
    merchant_name: str | None


# The intent: its taker has until $2 to say what became of it.
@PEOPLE.statement("""
UPDATE impersonation_mails k SET mail_due_at = $2, mail_tries = mail_tries + 1
FROM (SELECT impersonation_id, user_id FROM impersonation_mails WHERE mail_due_at <= $1
  AND world = $3
  ORDER BY mail_due_at LIMIT $4 FOR UPDATE SKIP LOCKED) due, impersonations l, users u, users o
WHERE k.impersonation_id = due.impersonation_id AND k.user_id = due.user_id
  AND l.impersonation_id = k.impersonation_id AND u.user_id = l.staff_id AND o.user_id = k.user_id
RETURNING k.mail_id, k.mail_tries, o.email, u.name AS staff, l.merchant_id, l.role, l.reason,
  l.may_act, l.began_at,
  l.expires_at, coalesce((SELECT zone FROM person_settings s
    WHERE s.user_id = o.user_id), 'GMT') AS zone,
  coalesce((SELECT nullif(language, '') FROM person_settings s
    WHERE s.user_id = o.user_id), 'en') AS language,
  (SELECT name FROM users x WHERE x.user_id = l.user_id) AS as_name,
  (SELECT name FROM merchant_worlds w WHERE w.merchant_id = l.merchant_id
    AND w.world = l.world) AS merchant_name
""")
async def claim_impersonation_mails(
    db: Tx, now: datetime, until: datetime, world: str, limit: int
) -> list[ImpersonationMail]: ...


@PEOPLE.statement("""
UPDATE impersonation_mails SET mail_state = $3, mail_due_at = $4, mail_why = $5
WHERE mail_id = $1 AND mail_tries = $2 AND mail_state = 'owed'
""")
async def close_impersonation_mail(
    db: Tx, mail_id: UUID, tries: int, state: str, again_at: datetime | None, why: str
) -> None:
    """Records the outcome of the attempt with this number; `again_at` None: it is not sent
    again."""
