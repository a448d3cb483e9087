"""What was done to people's accounts, and the mails about it. People database; wall time. Lines are only added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.store.homes import PEOPLE
from recoup.store.statement import Row, Tx


@PEOPLE.statement("""
INSERT INTO account_log (log_id, user_id, at, actor, action, facts) VALUES ($1, $2, $3, $4, $5, $6)
""")
async def add_line(
    db: Tx, log_id: UUID, user_id: UUID, at: datetime, actor: str, action: str, facts: dict[str, Any]
) -> None: ...


@PEOPLE.statement("INSERT INTO account_mails (log_id, world, mail_due_at) VALUES ($1, $2, $3)")
async def owe_mail(db: Tx, log_id: UUID, world: str, now: datetime) -> None: ...


class AccountMail(Row, frozen=True):
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
  WHERE d.mail_due_at <= $1 AND d.world = $3 ORDER BY d.mail_due_at LIMIT $4 FOR UPDATE OF d SKIP LOCKED) due
WHERE m.log_id = due.log_id
RETURNING m.log_id, m.mail_tries, due.action, due.at, due.facts, due.email, due.name, due.zone, due.language
""")
async def claim_mails(db: Tx, now: datetime, until: datetime, world: str, limit: int) -> list[AccountMail]: ...


@PEOPLE.statement("""
UPDATE account_mails SET mail_state = $3, mail_due_at = $4, mail_why = $5
WHERE log_id = $1 AND mail_tries = $2 AND mail_state = 'owed'
""")
async def close_mail(db: Tx, log_id: UUID, tries: int, state: str, again_at: datetime | None, why: str) -> None:
    """What became of the try with this number; `again_at` None: it is not sent again."""


@PEOPLE.statement("""
INSERT INTO failed_sign_ins (line_id, user_id, at, world, place, request_id) VALUES ($1, $2, $3, $4, $5, $6)
""")
async def add_failed_sign_in(
    db: Tx, line_id: UUID, user_id: UUID | None, at: datetime, world: str, place: str, request_id: str
) -> None:
    """`user_id` None for an e-mail that nobody has."""
