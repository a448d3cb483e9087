"""Notifications, and how people want them. People database; wall time."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from recoup.db.statement import PEOPLE, Read, Row, Tx, columns_of


class NotificationKey(Row):
    """A person's notification: about whom, and of which kind."""

    user_id: UUID
    notification_id: UUID
    subject_id: UUID
    subject_name: str
    kind: str


class NewNotification(NotificationKey):
    """`subject_id`: the merchant, or of a partner's kinds the partner. The mail is owed with it."""

    world: str
    alert_id: UUID
    facts: dict[str, Any]
    on_page: bool
    created_at: datetime
    mail_state: Literal["owed", "none"]
    mail_due_at: datetime | None


# However often it comes: one notification for a person and an alert.
@PEOPLE.statement(f"""
INSERT INTO notifications ({columns_of(NewNotification)})
SELECT {columns_of(NewNotification)} FROM jsonb_populate_recordset(NULL::notifications, $1)
ON CONFLICT (user_id, world, subject_id, alert_id) DO NOTHING
""")
async def tell(db: Tx, rows: Sequence[NewNotification]) -> None: ...


# The day is taken first: of two at once the second writes nothing.
@PEOPLE.statement("""
INSERT INTO digests (user_id, world, merchant_id, local_day, notification_id, made_at)
  VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING RETURNING user_id
""")
async def take_day(
    db: Tx,
    user_id: UUID,
    world: str,
    merchant_id: UUID,
    day: date,
    notification_id: UUID | None,
    at: datetime,
) -> bool:
    """Takes a day for its digest; False when this day's digest was made already."""


class NotificationMail(NotificationKey):
    facts: dict[str, Any]
    mail_tries: int


# The intent: its taker has until $2 to say what became of it.
@PEOPLE.statement("""
UPDATE notifications n SET mail_due_at = $2, mail_tries = mail_tries + 1
FROM (SELECT user_id, notification_id FROM notifications
  WHERE mail_due_at <= $1 AND world = $3 AND ($5::uuid IS NULL OR subject_id = $5)
  ORDER BY mail_due_at LIMIT $4 FOR UPDATE SKIP LOCKED) due
WHERE n.user_id = due.user_id AND n.notification_id = due.notification_id
RETURNING n.user_id, n.notification_id, n.subject_id, n.subject_name, n.kind, n.facts, n.mail_tries
""")
async def claim_mails(
    db: Tx, now: datetime, until: datetime, world: str, limit: int, subject_id: UUID | None
) -> list[NotificationMail]: ...


@PEOPLE.statement("""
UPDATE notifications SET mail_state = $4, mail_due_at = $5, mail_why = $6
WHERE user_id = $1 AND notification_id = $2 AND mail_tries = $3 AND mail_state = 'owed'
""")
async def close_mail(
    db: Tx,
    user_id: UUID,
    notification_id: UUID,
    tries: int,
    state: str,
    again_at: datetime | None,
    why: str,
) -> None:
    """Records the outcome of the attempt with this number; `again_at` None: it is not sent
    again."""


@PEOPLE.statement(
    "UPDATE notifications SET read_at = NULL WHERE user_id = $1 AND notification_id = $2 AND world "
    "= $3"
)
async def _mark_unread(db: Tx, user_id: UUID, notification_id: UUID, world: str) -> None: ...


@PEOPLE.statement("""
UPDATE notifications SET read_at = coalesce(read_at, $4) WHERE user_id = $1 AND notification_id = $2
  AND world = $3
""")
async def _mark_read(
    db: Tx, user_id: UUID, notification_id: UUID, world: str, at: datetime
) -> None: ...


async def mark_read(db: Tx, key: tuple[UUID, UUID], world: str, at: datetime | None) -> None:
    """Marks a notification read; `at` None: unread again."""
    if at is None:
        await _mark_unread(db, *key, world)
    else:
        await _mark_read(db, *key, world, at)


@PEOPLE.statement("""
UPDATE notifications SET read_at = $4
WHERE user_id = $1 AND world = $2 AND on_page AND read_at IS NULL AND notification_id <= $3
  AND ($5::uuid IS NULL OR subject_id = $5)
""")
async def mark_all_read(
    db: Tx, user_id: UUID, world: str, until: UUID, at: datetime, subject_id: UUID | None
) -> None:
    """Up to this one: what came after the page was seen stays unread."""


@PEOPLE.statement("""
INSERT INTO notification_choices AS c (user_id, world, subject_id, kind, on_page, by_mail)
SELECT $1, $2, $3, x.* FROM unnest($4::text[], $5::boolean[], $6::boolean[]) AS x (kind, on_page,
  by_mail)
ON CONFLICT (user_id, world, subject_id, kind) DO UPDATE
  SET on_page = EXCLUDED.on_page, by_mail = EXCLUDED.by_mail
""")
async def _choose(
    db: Tx,
    user_id: UUID,
    world: str,
    subject_id: UUID,
    kinds: Sequence[str],
    pages: Sequence[bool],
    mails: Sequence[bool],
) -> None: ...


async def choose(
    db: Tx, user_id: UUID, world: str, subject_id: UUID, wanted: dict[str, tuple[bool, bool]]
) -> None:
    """Sets a person's choices by kind: on the page, by mail."""
    kinds = sorted(wanted)
    pages, mails = [wanted[kind][0] for kind in kinds], [wanted[kind][1] for kind in kinds]
    await _choose(db, user_id, world, subject_id, kinds, pages, mails)


@PEOPLE.statement("""
INSERT INTO notification_choices AS c (user_id, world, subject_id, kind, on_page, by_mail)
VALUES ($1, $2, $3, $4, $5, false)
ON CONFLICT (user_id, world, subject_id, kind) DO UPDATE SET by_mail = false
""")
async def no_mail_of(
    db: Tx, user_id: UUID, world: str, subject_id: UUID, kind: str, page: bool
) -> None:
    """`page`: whether it stands on the page, where nothing was chosen yet."""


@PEOPLE.statement("""
INSERT INTO person_settings (user_id, zone) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE
  SET zone = $2
""")
async def save_zone(db: Tx, user_id: UUID, zone: str) -> None: ...


@PEOPLE.statement("""
INSERT INTO person_settings (user_id, language) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE
  SET language = $2
""")
async def save_language(db: Tx, user_id: UUID, language: str) -> None: ...


class ChosenLanguage(Row, frozen=True):
    language: str
    people: int


@PEOPLE.statement(
    "SELECT language, count(*) AS people FROM person_settings WHERE language <> '' GROUP BY "
    "language ORDER BY language"
)
async def chosen_languages(db: Read) -> list[ChosenLanguage]: ...


@PEOPLE.statement("""
INSERT INTO person_settings (user_id, mails) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE
  SET mails = $2
""")
async def save_mails(db: Tx, user_id: UUID, wanted: bool) -> None: ...


@PEOPLE.statement("""
INSERT INTO person_settings (user_id, digest_hour, digest_empty) VALUES ($1, $2, $3)
ON CONFLICT (user_id) DO UPDATE SET digest_hour = $2, digest_empty = $3
""")
async def save_digest(db: Tx, user_id: UUID, hour: int | None, empty: bool) -> None: ...


@PEOPLE.statement("""
DELETE FROM notifications WHERE (user_id, notification_id) IN (
  SELECT user_id, notification_id FROM notifications WHERE created_at < $1 LIMIT $2)
""")
async def _forget(db: Tx, before: datetime, limit: int) -> None: ...


@PEOPLE.statement("DELETE FROM digests WHERE made_at < $1")
async def _forget_days(db: Tx, before: datetime) -> None: ...


async def forget_notifications(db: Tx, before: datetime, limit: int) -> None:
    await _forget(db, before, limit)
    await _forget_days(db, before)
