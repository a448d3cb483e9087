"""Somebody's own account: sessions, changes, what was done to it, and the mails about it. People
database; wall time. Lines are only added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.db.statement import PEOPLE, Read, Row, Tx, Written


@PEOPLE.statement("""
INSERT INTO account_log (log_id, user_id, at, actor, action, facts) VALUES ($1, $2, $3, $4, $5, $6)
""")
async def add_line(
    db: Tx,
    log_id: UUID,
    user_id: UUID,
    at: datetime,
    actor: str,
    action: str,
    facts: dict[str, Any],
) -> None: ...


@PEOPLE.statement("INSERT INTO account_mails (log_id, world, mail_due_at) VALUES ($1, $2, $3)")
async def owe_mail(db: Tx, log_id: UUID, world: str, now: datetime) -> None: ...


class AccountMail(Row):
    log_id: UUID
    mail_tries: int
    action: str
    at: datetime
    facts: dict[str, Any]
    email: str
    name: str
    zone: str
    language: str


# The intent: its taker has until $2 to say what became of it.
@PEOPLE.statement("""
UPDATE account_mails m SET mail_due_at = $2, mail_tries = mail_tries + 1
FROM (SELECT d.log_id, l.action, l.at, l.facts, u.email, u.name, coalesce(s.zone, 'GMT') AS zone,
    coalesce(nullif(s.language, ''), 'en') AS language
  FROM account_mails d JOIN account_log l USING (log_id) JOIN users u USING (user_id)
    LEFT JOIN person_settings s USING (user_id)
  WHERE d.mail_due_at <= $1 AND d.world = $3 ORDER BY d.mail_due_at LIMIT $4
    FOR UPDATE OF d SKIP LOCKED) due
WHERE m.log_id = due.log_id
RETURNING m.log_id, m.mail_tries, due.action, due.at, due.facts, due.email, due.name, due.zone,
  due.language
""")
async def claim_mails(
    db: Tx, now: datetime, until: datetime, world: str, limit: int
) -> list[AccountMail]: ...


@PEOPLE.statement("""
UPDATE account_mails SET mail_state = $3, mail_due_at = $4, mail_why = $5
WHERE log_id = $1 AND mail_tries = $2 AND mail_state = 'owed'
""")
async def close_mail(
    db: Tx, log_id: UUID, tries: int, state: str, again_at: datetime | None, why: str
) -> None:
    """Records the outcome of the attempt with this number; `again_at` None: it is not sent
    again."""


@PEOPLE.statement("""
INSERT INTO failed_sign_ins (line_id, user_id, at, world, place, request_id)
  VALUES ($1, $2, $3, $4, $5, $6)
""")
async def add_failed_sign_in(
    db: Tx,
    line_id: UUID,
    user_id: UUID | None,
    at: datetime,
    world: str,
    place: str,
    request_id: str,
) -> None:
    """`user_id` None for an e-mail that nobody has."""


class OpenSession(Row):
    session_hash: bytes
    world: str
    created_at: datetime
    seen_at: datetime
    address: str
    browser: str


@PEOPLE.statement("""
SELECT session_hash, world, created_at, seen_at, address, browser FROM sessions
WHERE user_id = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY seen_at DESC, session_hash LIMIT $4
""")
async def open_sessions(
    db: Read, user_id: UUID, now: datetime, seen_after: datetime, limit: int
) -> list[OpenSession]:
    """The one seen last first."""


class AccountLine(Row):
    """`mail_state` None: no mail went about it."""

    log_id: UUID
    at: datetime
    actor: str
    action: str
    facts: dict[str, Any]
    mail_state: str | None
    mail_why: str | None


@PEOPLE.statement("""
SELECT l.log_id, l.at, l.actor, l.action, l.facts, m.mail_state, m.mail_why
FROM account_log l LEFT JOIN account_mails m USING (log_id) WHERE l.user_id = $1
  ORDER BY l.log_id DESC LIMIT $2
""")
async def account_lines(db: Read, user_id: UUID, limit: int) -> list[AccountLine]:
    """Newest first."""


@PEOPLE.statement("SELECT coalesce((SELECT email FROM users WHERE user_id = $1), '')")
async def login_of(db: Read, user_id: UUID) -> str:
    """The e-mail, or what stands for it; empty for nobody."""


@PEOPLE.statement("SELECT password_hash FROM users WHERE user_id = $1 AND state = 'active'")
async def password_of(db: Read, user_id: UUID) -> str | None:
    """The hash that is kept; None for somebody who is blocked or none."""


@PEOPLE.statement("""
UPDATE users SET password_hash = $3, email = coalesce($4, email)
WHERE user_id = $1 AND password_hash = $2 RETURNING 1
""")
async def exchange_password(
    db: Tx, user_id: UUID, old_hash: str, new_hash: str, login: str | None = None
) -> bool:
    """Exchanges a password's hash. True when the old one was kept still. `login`: what stands for
    the e-mail from now on, where it goes by the password."""


@PEOPLE.statement("UPDATE users SET name = $2 WHERE user_id = $1 AND name <> $2 RETURNING 1")
async def rename(db: Tx, user_id: UUID, name: str) -> bool:
    """Renames a user. True when it was another name."""


@PEOPLE.statement("""
UPDATE impersonations l SET ended_at = $2, ended_how = 'signed_out' FROM sessions s
WHERE s.user_id = $1 AND (s.session_hash = $3 OR s.session_hash <> $4)
  AND l.impersonation_id = s.impersonation_id
  AND l.staff_id = s.user_id AND l.ended_at IS NULL AND l.expires_at > $2
""")
async def _end_looks(
    db: Tx, user_id: UUID, now: datetime, only: bytes | None, but: bytes | None
) -> None: ...


@PEOPLE.statement("DELETE FROM sessions WHERE user_id = $1 AND session_hash = $2")
async def _end_session(db: Tx, user_id: UUID, session_hash: bytes) -> Written: ...


async def end_session(db: Tx, user_id: UUID, session_hash: bytes, now: datetime) -> bool:
    """Ends a session, with its impersonation. True when it was one of theirs."""
    await _end_looks(db, user_id, now, session_hash, None)
    return await _end_session(db, user_id, session_hash) > 0


@PEOPLE.statement("DELETE FROM sessions WHERE user_id = $1 AND session_hash <> $2")
async def _end_sessions(db: Tx, user_id: UUID, but: bytes) -> Written: ...


async def end_sessions(db: Tx, user_id: UUID, now: datetime, but: bytes = b"") -> int:
    """All but the one named; answers how many."""
    await _end_looks(db, user_id, now, None, but)
    return await _end_sessions(db, user_id, but)


@PEOPLE.statement("""
UPDATE second_factors SET sealed_offer = NULL, offered_to = NULL, offered_at = NULL
  WHERE offered_at <= $1
""")
async def _end_offers(db: Tx, before: datetime) -> None: ...


@PEOPLE.statement("DELETE FROM second_factors WHERE sealed_secret IS NULL AND sealed_offer IS NULL")
async def _forget_offers(db: Tx) -> None: ...


@PEOPLE.statement("DELETE FROM sessions WHERE expires_at <= $1 OR seen_at <= $2")
async def _forget_sessions(db: Tx, now: datetime, idle_since: datetime) -> None: ...


@PEOPLE.statement("DELETE FROM half_sign_ins WHERE expires_at <= $1")
async def _forget_halves(db: Tx, now: datetime) -> None: ...


@PEOPLE.statement("DELETE FROM signin_failures WHERE until <= $1")
async def _forget_failures(db: Tx, now: datetime) -> None: ...


@PEOPLE.statement("DELETE FROM unfinished_sign_ups WHERE begun_at <= $1")
async def _forget_sign_ups(db: Tx, before: datetime) -> None: ...


async def forget_over(
    db: Tx, now: datetime, idle_since: datetime, offered_before: datetime, sign_ups_before: datetime
) -> None:
    """Sessions and sign-ins that are over, with what was kept of them; tries that count no more;
    second factors that were offered and never taken; sign-ups that nobody went on with."""
    await _end_offers(db, offered_before)
    await _forget_offers(db)
    await _forget_sessions(db, now, idle_since)
    await _forget_halves(db, now)
    await _forget_failures(db, now)
    await _forget_sign_ups(db, sign_ups_before)
