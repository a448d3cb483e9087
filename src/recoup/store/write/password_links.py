"""Links that set a new password, and the mails that carry them. People database; wall time.

Whoever makes or takes a link holds the person first (`write/people.hold_user`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

_ASK: Final = """
INSERT INTO password_asks (ask_id, user_id, world, language, place, request_id, asked_at, mail_state, mail_due_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN $2::uuid IS NULL THEN 'none' ELSE 'owed' END,
  CASE WHEN $2::uuid IS NOT NULL THEN $7::timestamptz END)
"""
# The intent: whoever takes it has until $2 to say what became of it.
_CLAIM: Final = """
UPDATE password_asks a SET mail_due_at = $2, mail_tries = mail_tries + 1
FROM (SELECT d.ask_id, u.email, coalesce(s.zone, 'GMT') AS zone,
    coalesce(nullif(s.language, ''), nullif(d.language, ''), 'en') AS language
  FROM password_asks d JOIN users u USING (user_id) LEFT JOIN person_settings s USING (user_id)
  WHERE d.mail_due_at <= $1 AND d.world = $3 ORDER BY d.mail_due_at LIMIT $4 FOR UPDATE OF d SKIP LOCKED) due
WHERE a.ask_id = due.ask_id
RETURNING a.ask_id, a.user_id, a.mail_tries, a.asked_at, a.place, a.request_id, due.email, due.zone, due.language
"""
_CLOSE: Final = """
UPDATE password_asks SET mail_state = $3, mail_due_at = $4, mail_why = $5
WHERE ask_id = $1 AND mail_tries = $2 AND mail_state = 'owed'
"""
_LINK: Final = """
INSERT INTO password_links (token_hash, user_id, made_by, made_at, expires_at) VALUES ($1, $2, $3, $4, $5)
"""
_FIND: Final = """
SELECT l.user_id, u.email, u.password_hash, l.made_by, l.used_at
FROM password_links l JOIN users u USING (user_id)
WHERE l.token_hash = $1 AND l.expires_at > $2 AND u.state = 'active'
"""
# Of two at once the second waits for the person, and finds it used.
_TAKE: Final = """
UPDATE password_links SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """Of somebody who is not blocked. `login`: the e-mail, or what stands for it."""

    user_id: UUID
    login: str
    password_hash: str
    made_by: str
    used_at: datetime | None


async def add_ask(
    tx: asyncpg.Connection, ask_id: UUID, user_id: UUID | None, world: str, language: str, place: str,
    request_id: str, now: datetime,
) -> None:  # fmt: skip
    """`user_id` None: the same work, and nobody gets a mail."""
    await tx.execute(_ASK, ask_id, user_id, world, language, place, request_id, now)


async def claim_mails(
    connection: asyncpg.Connection, now: datetime, until: datetime, world: str, limit: int
) -> list[asyncpg.Record]:
    return await connection.fetch(_CLAIM, now, until, world, limit)  # type: ignore[no-any-return]


async def close_mail(
    connection: asyncpg.Connection, ask_id: UUID, tries: int, state: str, again_at: datetime | None, why: str
) -> None:
    """What became of the try with this number; `again_at` None: it is not sent again."""
    await connection.execute(_CLOSE, ask_id, tries, state, again_at, why)


async def is_asked(tx: asyncpg.Connection, ask_id: UUID) -> bool:
    """Whether it was not answered by another link meanwhile."""
    return await tx.fetchval("SELECT 1 FROM password_asks WHERE ask_id = $1", ask_id) is not None


async def add_link(
    tx: asyncpg.Connection, token_hash: bytes, user_id: UUID, made_by: str, now: datetime, until: datetime
) -> None:
    await tx.execute(_LINK, token_hash, user_id, made_by, now, until)


async def find_link(connection: asyncpg.Connection, token_hash: bytes, now: datetime) -> PasswordLink | None:
    """One that is not over, used or not."""
    row: Any = await connection.fetchrow(_FIND, token_hash, now)
    return PasswordLink(*row.values()) if row else None


async def take_link(tx: asyncpg.Connection, token_hash: bytes, now: datetime) -> bool:
    """Whether it opened something still."""
    return await tx.fetchval(_TAKE, token_hash, now) is not None


async def forget_links(tx: asyncpg.Connection, user_id: UUID, but: bytes = b"") -> None:
    """All that could set this person's password, but the one named."""
    await tx.execute("DELETE FROM password_asks WHERE user_id = $1", user_id)
    await tx.execute("DELETE FROM password_links WHERE user_id = $1 AND token_hash <> $2", user_id, but)


async def forget_old_links(connection: asyncpg.Connection, now: datetime, asked_before: datetime) -> None:
    await connection.execute("DELETE FROM password_links WHERE expires_at <= $1", now)
    await connection.execute("DELETE FROM password_asks WHERE asked_at <= $1", asked_before)
