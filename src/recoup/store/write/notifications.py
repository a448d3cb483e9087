"""What people are told, and how they want it. People database; wall time."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

# However often it comes: somebody is told once of one alert.
_TELL: Final = """
INSERT INTO notifications (user_id, notification_id, world, subject_id, subject_name, alert_id, kind, facts, on_page,
  created_at, mail_state, mail_due_at)
SELECT user_id, notification_id, world, subject_id, subject_name, alert_id, kind, facts, on_page, created_at,
  mail_state, mail_due_at
FROM jsonb_populate_recordset(NULL::notifications, $1)
ON CONFLICT (user_id, world, subject_id, alert_id) DO NOTHING
"""
# The day is taken first: of two at once the second writes nothing.
_TAKE_DAY: Final = """
INSERT INTO digests (user_id, world, merchant_id, local_day, notification_id, made_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING RETURNING user_id
"""
# The intent: whoever takes it has until $2 to say what became of it.
_CLAIM: Final = """
UPDATE notifications n SET mail_due_at = $2, mail_tries = mail_tries + 1
FROM (SELECT user_id, notification_id FROM notifications
  WHERE mail_due_at <= $1 AND world = $3 AND ($5::uuid IS NULL OR subject_id = $5)
  ORDER BY mail_due_at LIMIT $4 FOR UPDATE SKIP LOCKED) due
WHERE n.user_id = due.user_id AND n.notification_id = due.notification_id
RETURNING n.user_id, n.notification_id, n.subject_id, n.subject_name, n.kind, n.facts, n.mail_tries
"""
_CLOSE: Final = """
UPDATE notifications SET mail_state = $4, mail_due_at = $5, mail_why = $6
WHERE user_id = $1 AND notification_id = $2 AND mail_tries = $3 AND mail_state = 'owed'
"""
_READ: Final = """
UPDATE notifications SET read_at = coalesce(read_at, $4) WHERE user_id = $1 AND notification_id = $2 AND world = $3
"""
_UNREAD: Final = "UPDATE notifications SET read_at = NULL WHERE user_id = $1 AND notification_id = $2 AND world = $3"
_READ_ALL: Final = """
UPDATE notifications SET read_at = $4
WHERE user_id = $1 AND world = $2 AND on_page AND read_at IS NULL AND notification_id <= $3
  AND ($5::uuid IS NULL OR subject_id = $5)
"""
_CHOOSE: Final = """
INSERT INTO notification_choices AS c (user_id, world, subject_id, kind, on_page, by_mail)
SELECT $1, $2, $3, x.* FROM unnest($4::text[], $5::boolean[], $6::boolean[]) AS x (kind, on_page, by_mail)
ON CONFLICT (user_id, world, subject_id, kind) DO UPDATE SET on_page = EXCLUDED.on_page, by_mail = EXCLUDED.by_mail
"""
_NO_MAIL: Final = """
INSERT INTO notification_choices AS c (user_id, world, subject_id, kind, on_page, by_mail)
VALUES ($1, $2, $3, $4, $5, false)
ON CONFLICT (user_id, world, subject_id, kind) DO UPDATE SET by_mail = false
"""
_ZONE: Final = """
INSERT INTO person_settings (user_id, zone) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET zone = $2
"""
_LANGUAGE: Final = """
INSERT INTO person_settings (user_id, language) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET language = $2
"""
_MAILS: Final = """
INSERT INTO person_settings (user_id, mails) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET mails = $2
"""
_DIGEST: Final = """
INSERT INTO person_settings (user_id, digest_hour, digest_empty) VALUES ($1, $2, $3)
ON CONFLICT (user_id) DO UPDATE SET digest_hour = $2, digest_empty = $3
"""
_FORGET: Final = """
DELETE FROM notifications WHERE (user_id, notification_id) IN (
  SELECT user_id, notification_id FROM notifications WHERE created_at < $1 LIMIT $2)
"""
_FORGET_DAYS: Final = "DELETE FROM digests WHERE made_at < $1"


async def tell(connection: asyncpg.Connection, rows: Sequence[dict[str, Any]]) -> None:
    await connection.execute(_TELL, list(rows))


async def take_day(
    tx: asyncpg.Connection, user_id: UUID, world: str, merchant_id: UUID, day: date, notification_id: UUID | None,
    at: datetime,
) -> bool:  # fmt: skip
    """False when this day's digest was made already."""
    return await tx.fetchval(_TAKE_DAY, user_id, world, merchant_id, day, notification_id, at) is not None


async def claim_mails(
    connection: asyncpg.Connection, now: datetime, until: datetime, world: str, limit: int, subject_id: UUID | None
) -> list[asyncpg.Record]:  # fmt: skip
    return await connection.fetch(_CLAIM, now, until, world, limit, subject_id)  # type: ignore[no-any-return]


async def close_mail(
    connection: asyncpg.Connection, key: tuple[UUID, UUID], tries: int, state: str, again_at: datetime | None, why: str
) -> None:  # fmt: skip
    """What became of the try with this number; `again_at` None: it is not sent again."""
    await connection.execute(_CLOSE, *key, tries, state, again_at, why)


async def mark_read(connection: asyncpg.Connection, key: tuple[UUID, UUID], world: str, at: datetime | None) -> None:
    """`at` None: unread again."""
    if at is None:
        await connection.execute(_UNREAD, *key, world)
    else:
        await connection.execute(_READ, *key, world, at)


async def mark_all_read(
    connection: asyncpg.Connection, user_id: UUID, world: str, until: UUID, at: datetime, subject_id: UUID | None
) -> None:  # fmt: skip
    """Up to this one: what came after the page was seen stays unread."""
    await connection.execute(_READ_ALL, user_id, world, until, at, subject_id)


async def choose(
    connection: asyncpg.Connection, user_id: UUID, world: str, subject_id: UUID,
    wanted: dict[str, tuple[bool, bool]],
) -> None:  # fmt: skip
    """By kind: on the page, by mail."""
    kinds = sorted(wanted)
    pages, mails = [wanted[kind][0] for kind in kinds], [wanted[kind][1] for kind in kinds]
    await connection.execute(_CHOOSE, user_id, world, subject_id, kinds, pages, mails)


async def no_mail_of(
    connection: asyncpg.Connection, user_id: UUID, world: str, subject_id: UUID, kind: str, page: bool
) -> None:  # fmt: skip
    """`page`: whether it stands on the page, where nothing was chosen yet."""
    await connection.execute(_NO_MAIL, user_id, world, subject_id, kind, page)


async def save_zone(connection: asyncpg.Connection, user_id: UUID, zone: str) -> None:
    await connection.execute(_ZONE, user_id, zone)


async def save_language(connection: asyncpg.Connection, user_id: UUID, language: str) -> None:
    await connection.execute(_LANGUAGE, user_id, language)


async def save_mails(connection: asyncpg.Connection, user_id: UUID, wanted: bool) -> None:
    await connection.execute(_MAILS, user_id, wanted)


async def save_digest(connection: asyncpg.Connection, user_id: UUID, hour: int | None, empty: bool) -> None:
    await connection.execute(_DIGEST, user_id, hour, empty)


async def forget_notifications(connection: asyncpg.Connection, before: datetime, limit: int) -> None:
    await connection.execute(_FORGET, before, limit)
    await connection.execute(_FORGET_DAYS, before)
