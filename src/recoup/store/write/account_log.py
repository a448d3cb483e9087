"""What was done to people's accounts, and the mails about it. People database; wall time. Lines are only added."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

_LINE: Final = """
INSERT INTO account_log (log_id, user_id, at, actor, action, facts) VALUES ($1, $2, $3, $4, $5, $6)
"""
_FAILED: Final = """
INSERT INTO failed_sign_ins (line_id, user_id, at, world, place, request_id) VALUES ($1, $2, $3, $4, $5, $6)
"""
_MAIL: Final = "INSERT INTO account_mails (log_id, world, mail_due_at) VALUES ($1, $2, $3)"
# The intent: whoever takes it has until $2 to say what became of it.
_CLAIM: Final = """
UPDATE account_mails m SET mail_due_at = $2, mail_tries = mail_tries + 1
FROM (SELECT d.log_id, l.action, l.at, l.facts, u.email, u.name, coalesce(s.zone, 'GMT') AS zone,
    coalesce(nullif(s.language, ''), 'en') AS language
  FROM account_mails d JOIN account_log l USING (log_id) JOIN users u USING (user_id)
    LEFT JOIN person_settings s USING (user_id)
  WHERE d.mail_due_at <= $1 AND d.world = $3 ORDER BY d.mail_due_at LIMIT $4 FOR UPDATE OF d SKIP LOCKED) due
WHERE m.log_id = due.log_id
RETURNING m.log_id, m.mail_tries, due.action, due.at, due.facts, due.email, due.name, due.zone, due.language
"""
_CLOSE: Final = """
UPDATE account_mails SET mail_state = $3, mail_due_at = $4, mail_why = $5
WHERE log_id = $1 AND mail_tries = $2 AND mail_state = 'owed'
"""


async def add_line(
    tx: asyncpg.Connection, log_id: UUID, user_id: UUID, at: datetime, actor: str, action: str, facts: dict[str, Any]
) -> None:
    await tx.execute(_LINE, log_id, user_id, at, actor, action, facts)


async def owe_mail(tx: asyncpg.Connection, log_id: UUID, world: str, now: datetime) -> None:
    await tx.execute(_MAIL, log_id, world, now)


async def claim_mails(
    connection: asyncpg.Connection, now: datetime, until: datetime, world: str, limit: int
) -> list[asyncpg.Record]:
    return await connection.fetch(_CLAIM, now, until, world, limit)  # type: ignore[no-any-return]


async def close_mail(
    connection: asyncpg.Connection, log_id: UUID, tries: int, state: str, again_at: datetime | None, why: str
) -> None:
    """What became of the try with this number; `again_at` None: it is not sent again."""
    await connection.execute(_CLOSE, log_id, tries, state, again_at, why)


async def add_failed_sign_in(
    connection: asyncpg.Connection, line_id: UUID, user_id: UUID | None, at: datetime, world: str, place: str,
    request_id: str,
) -> None:  # fmt: skip
    """`user_id` None for an e-mail that nobody has."""
    await connection.execute(_FAILED, line_id, user_id, at, world, place, request_id)
