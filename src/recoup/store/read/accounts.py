"""Somebody's own account: sessions, and what was done to it. People database."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.store.homes import PEOPLE
from recoup.store.statement import Read, Row, statement


class OpenSession(Row, frozen=True):
    session_hash: bytes
    world: str
    created_at: datetime
    seen_at: datetime
    address: str
    browser: str


@statement(
    PEOPLE,
    """
SELECT session_hash, world, created_at, seen_at, address, browser FROM sessions
WHERE user_id = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY seen_at DESC, session_hash LIMIT $4
""",
)
async def open_sessions(db: Read, user_id: UUID, now: datetime, seen_after: datetime, limit: int) -> list[OpenSession]:
    """The one seen last first."""


class AccountLine(Row, frozen=True):
    """`mail_state` None: no mail went about it."""

    log_id: UUID
    at: datetime
    actor: str
    action: str
    facts: dict[str, Any]
    mail_state: str | None
    mail_why: str | None


@statement(
    PEOPLE,
    """
SELECT l.log_id, l.at, l.actor, l.action, l.facts, m.mail_state, m.mail_why
FROM account_log l LEFT JOIN account_mails m USING (log_id) WHERE l.user_id = $1 ORDER BY l.log_id DESC LIMIT $2
""",
)
async def account_lines(db: Read, user_id: UUID, limit: int) -> list[AccountLine]:
    """Newest first."""


@statement(PEOPLE, "SELECT coalesce((SELECT email FROM users WHERE user_id = $1), '')")
async def login_of(db: Read, user_id: UUID) -> str:
    """The e-mail, or what stands for it; empty for nobody."""


@statement(PEOPLE, "SELECT password_hash FROM users WHERE user_id = $1 AND state = 'active'")
async def password_of(db: Read, user_id: UUID) -> str | None:
    """The hash that is kept; None for somebody who is blocked or none."""
