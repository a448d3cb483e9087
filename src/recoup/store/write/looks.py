"""Looks begin and end, and the mails about them. People database; wall time. What was begun is never rewritten."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

# One at a time in a session: of two forms at once the second waits here, and then finds the first.
_LOCK: Final = "SELECT FROM sessions WHERE session_hash = $1 AND user_id = $2 FOR UPDATE"
_BEGIN: Final = """
INSERT INTO looks (look_id, staff_id, world, merchant_id, user_id, role, reason, may_act, request_id, began_at,
  expires_at)
SELECT $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM sessions s LEFT JOIN looks l ON l.look_id = s.look_id
WHERE s.session_hash = $1 AND s.user_id = $3 AND (l.look_id IS NULL OR l.ended_at IS NOT NULL OR l.expires_at <= $11)
RETURNING look_id
"""
_HOLD: Final = "UPDATE sessions SET look_id = $2 WHERE session_hash = $1"
_END: Final = """
UPDATE looks l SET ended_at = $2, ended_how = $3, ended_by_request = $4 FROM sessions s
WHERE s.session_hash = $1 AND l.look_id = s.look_id AND l.staff_id = s.user_id AND l.ended_at IS NULL
  AND l.expires_at > $2 RETURNING l.look_id
"""
_OWE: Final = """
INSERT INTO look_mails (look_id, user_id, mail_id, world, mail_due_at)
SELECT $1, m.user_id, gen_random_uuid(), $3, $4 FROM memberships m JOIN users u USING (user_id)
WHERE m.subject_kind = 'merchant' AND m.subject_id = $2 AND m.world = $3 AND m.role = 'owner' AND u.state = 'active'
LIMIT 50
"""
# The intent: whoever takes it has until $2 to say what became of it.
_CLAIM: Final = """
UPDATE look_mails k SET mail_due_at = $2, mail_tries = mail_tries + 1
FROM (SELECT look_id, user_id FROM look_mails WHERE mail_due_at <= $1 AND world = $3
  ORDER BY mail_due_at LIMIT $4 FOR UPDATE SKIP LOCKED) due, looks l, users u, users o
WHERE k.look_id = due.look_id AND k.user_id = due.user_id AND l.look_id = k.look_id AND u.user_id = l.staff_id
  AND o.user_id = k.user_id
RETURNING k.mail_id, k.mail_tries, o.email, u.name AS staff, l.merchant_id, l.role, l.reason, l.may_act, l.began_at,
  l.expires_at, coalesce((SELECT zone FROM person_settings s WHERE s.user_id = o.user_id), 'GMT') AS zone,
  coalesce((SELECT nullif(language, '') FROM person_settings s WHERE s.user_id = o.user_id), 'en') AS language,
  (SELECT name FROM users x WHERE x.user_id = l.user_id) AS as_name,
  (SELECT name FROM merchant_worlds w WHERE w.merchant_id = l.merchant_id AND w.world = l.world) AS merchant_name
"""
_CLOSE: Final = """
UPDATE look_mails SET mail_state = $3, mail_due_at = $4, mail_why = $5
WHERE mail_id = $1 AND mail_tries = $2 AND mail_state = 'owed'
"""


async def begin_look(tx: asyncpg.Connection, session_hash: bytes, row: dict[str, Any]) -> bool:
    """With the mails to the merchant's owners. False when the session looks as somebody already, or is over."""
    names = ("look_id", "staff_id", "world", "merchant_id", "user_id", "role", "reason", "may_act", "request_id",
             "began_at", "expires_at")  # fmt: skip
    await tx.execute(_LOCK, session_hash, row["staff_id"])
    if await tx.fetchval(_BEGIN, session_hash, *(row[name] for name in names)) is None:
        return False
    await tx.execute(_HOLD, session_hash, row["look_id"])
    await tx.execute(_OWE, row["look_id"], row["merchant_id"], row["world"], row["began_at"])
    return True


async def end_look(
    connection: asyncpg.Connection, session_hash: bytes, now: datetime, how: str, request_id: str | None = None
) -> bool:
    """The session's, if it is not over. `how`: ended, signed_out, not_staff or not_member."""
    return await connection.fetchval(_END, session_hash, now, how, request_id) is not None


async def claim_look_mails(
    connection: asyncpg.Connection, now: datetime, until: datetime, world: str, limit: int
) -> list[asyncpg.Record]:
    return await connection.fetch(_CLAIM, now, until, world, limit)  # type: ignore[no-any-return]


async def close_look_mail(
    connection: asyncpg.Connection, mail_id: UUID, tries: int, state: str, again_at: datetime | None, why: str
) -> None:
    """What became of the try with this number; `again_at` None: it is not sent again."""
    await connection.execute(_CLOSE, mail_id, tries, state, again_at, why)
