"""Links that set a new password, and the mails that carry them. People database; wall time.

A flow that makes or takes a link holds the person first (`people.store.people.hold_user`).
"""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import PEOPLE, Read, Row, Tx
from recoup.kernel.frozen import frozen


@frozen
class PasswordLink:
    """Password link of somebody who is not blocked. `login`: the e-mail, or what stands for it."""

    user_id: UUID
    login: str
    password_hash: str
    made_by: str
    used_at: datetime | None


@PEOPLE.statement("""
INSERT INTO password_asks (ask_id, user_id, world, language, place, request_id, requested_at,
  mail_state, mail_due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN $2::uuid IS NULL THEN 'none' ELSE 'owed' END,
  CASE WHEN $2::uuid IS NOT NULL THEN $7::timestamptz END)
""")
async def add_ask(
    db: Tx,
    ask_id: UUID,
    user_id: UUID | None,
    world: str,
    language: str,
    place: str,
    request_id: str,
    now: datetime,
) -> None:
    """`user_id` None: the same work, and nobody gets a mail."""


class PasswordMail(Row):
    ask_id: UUID
    user_id: UUID
    mail_tries: int
    requested_at: datetime
    place: str
    request_id: str
    email: str
    zone: str
    language: str


# The intent: its taker has until $2 to say what became of it.
@PEOPLE.statement("""
UPDATE password_asks a SET mail_due_at = $2, mail_tries = mail_tries + 1
FROM (SELECT d.ask_id, u.email, coalesce(s.zone, 'GMT') AS zone,
    coalesce(nullif(s.language, ''), nullif(d.language, ''), 'en') AS language
  FROM password_asks d JOIN users u USING (user_id) LEFT JOIN person_settings s USING (user_id)
  WHERE d.mail_due_at <= $1 AND d.world = $3 ORDER BY d.mail_due_at LIMIT $4
    FOR UPDATE OF d SKIP LOCKED) due
WHERE a.ask_id = due.ask_id
RETURNING a.ask_id, a.user_id, a.mail_tries, a.requested_at, a.place, a.request_id, due.email,
  due.zone, due.language
""")
async def claim_mails(
    db: Tx, now: datetime, until: datetime, world: str, limit: int
) -> list[PasswordMail]: ...


@PEOPLE.statement("""
UPDATE password_asks SET mail_state = $3, mail_due_at = $4, mail_why = $5
WHERE ask_id = $1 AND mail_tries = $2 AND mail_state = 'owed'
""")
async def close_mail(
    db: Tx, ask_id: UUID, tries: int, state: str, again_at: datetime | None, why: str
) -> None:
    """Records the outcome of the attempt with this number; `again_at` None: it is not sent
    again."""


@PEOPLE.statement("SELECT 1 FROM password_asks WHERE ask_id = $1")
async def is_unanswered(db: Read, ask_id: UUID) -> bool:
    """True when it was not answered by another link meanwhile."""


@PEOPLE.statement("""
INSERT INTO password_links (token_hash, user_id, made_by, made_at, expires_at)
  VALUES ($1, $2, $3, $4, $5)
""")
async def add_link(
    db: Tx, token_hash: bytes, user_id: UUID, made_by: str, now: datetime, until: datetime
) -> None: ...


@PEOPLE.statement("""
SELECT l.user_id, u.email AS login, u.password_hash, l.made_by, l.used_at
FROM password_links l JOIN users u USING (user_id)
WHERE l.token_hash = $1 AND l.expires_at > $2 AND u.state = 'active'
""")
async def find_link(db: Read, token_hash: bytes, now: datetime) -> PasswordLink | None:
    """The link, if it is not over, used or not."""


# Of two at once the second waits for the person, and finds it used.
@PEOPLE.statement("""
UPDATE password_links SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2
  RETURNING 1
""")
async def take_link(db: Tx, token_hash: bytes, now: datetime) -> bool:
    """Takes a link. True when it still opened something."""


@PEOPLE.statement("DELETE FROM password_asks WHERE user_id = $1")
async def _forget_asks(db: Tx, user_id: UUID) -> None: ...


@PEOPLE.statement("DELETE FROM password_links WHERE user_id = $1 AND token_hash <> $2")
async def _forget_links(db: Tx, user_id: UUID, but: bytes) -> None: ...


async def forget_links(db: Tx, user_id: UUID, but: bytes = b"") -> None:
    """All that could set this person's password, but the one named."""
    await _forget_asks(db, user_id)
    await _forget_links(db, user_id, but)


@PEOPLE.statement("DELETE FROM password_links WHERE expires_at <= $1")
async def _forget_expired(db: Tx, now: datetime) -> None: ...


@PEOPLE.statement("DELETE FROM password_asks WHERE requested_at <= $1")
async def _forget_old_asks(db: Tx, before: datetime) -> None: ...


async def forget_old_links(db: Tx, now: datetime, requested_before: datetime) -> None:
    await _forget_expired(db, now)
    await _forget_old_asks(db, requested_before)
