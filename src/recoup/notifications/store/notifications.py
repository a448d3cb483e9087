"""Readers to notify about a merchant, the notifications, and their settings. People database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from recoup.db.statement import PEOPLE, Read, Row, columns_of
from recoup.notifications.store.notification_settings import NotificationKey
from recoup.people.store.people import Bell

UNREAD_MAX: Final = 99
_RANK: Final = "array_position(ARRAY['owner', 'operations', 'developer', 'analyst'], m.role)"
_REACHES: Final = """m.world = w.world AND (m.subject_kind = 'operator'
  OR (m.subject_kind = 'partner' AND m.subject_id = w.partner_id)
  OR (m.subject_kind = 'merchant' AND m.subject_id = w.merchant_id))"""
_LANGUAGE: Final = "coalesce(nullif(s.language, ''), 'en')"  # of mails, for which no browser asks
# What somebody may still see: of merchants and partners that they reach now, and as their roles are
# now. $3: role/kind, operator:role/kind for what only those hear who decide for the operator,
# partner:role/kind for a partner's own people.
_MINE: Final = f"""
n.user_id = $1 AND n.world = $2 AND n.on_page AND (EXISTS (SELECT FROM merchant_worlds w
  JOIN memberships m
  ON m.user_id = $1 AND {_REACHES}
  WHERE w.world = $2 AND w.merchant_id = n.subject_id
    AND CASE m.subject_kind WHEN 'operator' THEN ARRAY[m.role, 'operator:' || m.role]
      ELSE ARRAY[m.role] END
      && ARRAY(SELECT split_part(x, '/', 1) FROM unnest($3::text[]) AS x
        WHERE split_part(x, '/', 2) = n.kind))
  OR EXISTS (SELECT FROM memberships m WHERE m.user_id = $1 AND m.subject_kind = 'partner'
    AND m.world = $2 AND m.subject_id = n.subject_id
      AND 'partner:' || m.role || '/' || n.kind = ANY($3::text[])))
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a person. `digest_hour` None: the installation's."""

    zone: str = "GMT"
    digest_hour: int | None = None
    digest_empty: bool = False
    mails: bool = True


class PartnerReader(Row):
    user_id: UUID
    email: str
    own_role: str | None
    operator_role: str | None
    zone: str
    language: str
    mails: bool
    choices: dict[str, Any]


class MerchantReader(PartnerReader):
    subject_name: str
    digest_hour: int | None
    digest_empty: bool


# Everybody whose memberships reach the merchant, with what they chose there; with $3 that one
# person.
@PEOPLE.statement(f"""
SELECT u.user_id, u.email, r.own_role, r.operator_role, coalesce(s.zone, 'GMT') AS zone,
  {_LANGUAGE} AS language, coalesce(s.mails, true) AS mails, coalesce(c.choices, '{{}}') AS choices,
  w.name AS subject_name, s.digest_hour, coalesce(s.digest_empty, false) AS digest_empty
FROM merchant_worlds w
JOIN LATERAL (
  SELECT m.user_id, (array_agg(m.role ORDER BY {_RANK}) FILTER (WHERE m.subject_kind <>
    'operator'))[1] AS own_role,
    (array_agg(m.role ORDER BY {_RANK}) FILTER (WHERE m.subject_kind = 'operator'))[1] AS
      operator_role
  FROM memberships m WHERE {_REACHES} AND ($3::uuid IS NULL OR m.user_id = $3) GROUP BY m.user_id
) r ON true
JOIN users u ON u.user_id = r.user_id AND u.state = 'active'
LEFT JOIN person_settings s ON s.user_id = u.user_id
LEFT JOIN LATERAL (
  SELECT jsonb_object_agg(c.kind, jsonb_build_array(c.on_page, c.by_mail)) AS choices
    FROM notification_choices c
  WHERE c.user_id = u.user_id AND c.world = w.world AND c.subject_id = w.merchant_id
) c ON true
WHERE w.world = $1 AND w.merchant_id = $2 ORDER BY u.user_id
""")
async def readers_of(
    db: Read, world: str, merchant_id: UUID, user_id: UUID | None = None
) -> list[MerchantReader]: ...


# A partner's own people; with $3 that one person.
@PEOPLE.statement(f"""
SELECT u.user_id, u.email, m.role AS own_role, NULL AS operator_role, coalesce(s.zone,
  'GMT') AS zone,
  {_LANGUAGE} AS language, coalesce(s.mails, true) AS mails, coalesce(c.choices, '{{}}') AS choices
FROM memberships m JOIN users u ON u.user_id = m.user_id AND u.state = 'active'
LEFT JOIN person_settings s ON s.user_id = u.user_id
LEFT JOIN LATERAL (
  SELECT jsonb_object_agg(c.kind, jsonb_build_array(c.on_page, c.by_mail)) AS choices
    FROM notification_choices c
  WHERE c.user_id = u.user_id AND c.world = $1 AND c.subject_id = m.subject_id
) c ON true
WHERE m.subject_kind = 'partner' AND m.subject_id = $2 AND m.world = $1 AND ($3::uuid IS NULL
  OR m.user_id = $3)
ORDER BY u.user_id
""")
async def partner_readers_of(
    db: Read, world: str, partner_id: UUID, user_id: UUID | None = None
) -> list[PartnerReader]:
    """Readers at a partner, as `readers_of`, without names."""


@PEOPLE.statement(
    "SELECT EXISTS (SELECT FROM merchant_worlds WHERE world = $1 AND merchant_id = $2)"
)
async def is_known(db: Read, world: str, merchant_id: UUID) -> bool:
    """True when the people database has heard of this merchant."""


@PEOPLE.statement(f"""
SELECT coalesce(s.zone, 'GMT') AS zone, coalesce(s.language, '') AS language,
  (SELECT count(*)::int FROM (SELECT FROM notifications n WHERE {_MINE} AND n.read_at IS NULL
    LIMIT {UNREAD_MAX + 1}) few) AS unread
FROM (SELECT) AS one LEFT JOIN person_settings s ON s.user_id = $1
""")
async def read_bell(db: Read, user_id: UUID, world: str, may: Sequence[str]) -> Bell: ...


class Notification(Row, frozen=True):
    notification_id: UUID
    subject_id: UUID
    subject_name: str
    kind: str
    facts: dict[str, Any]
    created_at: datetime
    read_at: datetime | None
    mail_state: Literal["none", "owed", "sent", "refused", "given_up", "dropped"]
    mail_tries: int
    mail_why: str


_COLUMNS: Final = columns_of(Notification, "n")


@PEOPLE.statement(f"""
SELECT {_COLUMNS} FROM notifications n
WHERE {_MINE} AND ($4::uuid IS NULL OR n.notification_id < $4) AND (NOT $5 OR n.read_at IS NULL)
  AND ($6::uuid IS NULL OR n.subject_id = $6)
ORDER BY n.notification_id DESC LIMIT $7
""")
async def notifications_page(
    db: Read,
    user_id: UUID,
    world: str,
    may: Sequence[str],
    *,
    before: UUID | None,
    unread: bool,
    subject_id: UUID | None,
    limit: int,
) -> list[Notification]:
    """Newest first."""


@PEOPLE.statement(
    f"SELECT {_COLUMNS} FROM notifications n WHERE {_MINE} AND n.notification_id = $4"
)
async def find_notification(
    db: Read, user_id: UUID, world: str, may: Sequence[str], notification_id: UUID
) -> Notification | None:
    """The notification; None for somebody else's, and for what this person may not hear any
    more."""


@PEOPLE.statement(
    "SELECT zone, digest_hour, digest_empty, mails FROM person_settings WHERE user_id = $1"
)
async def _settings(db: Read, user_id: UUID) -> Settings | None: ...


async def read_settings(db: Read, user_id: UUID) -> Settings:
    return await _settings(db, user_id) or Settings()


class NamedNotification(NotificationKey):
    mails: bool


@PEOPLE.statement("""
SELECT n.user_id, n.notification_id, n.subject_id, n.subject_name, n.kind, coalesce(s.mails,
  true) AS mails
FROM notifications n LEFT JOIN person_settings s USING (user_id)
WHERE n.user_id = $1 AND n.notification_id = $2 AND n.world = $3
""")
async def named_notification(
    db: Read, user_id: UUID, notification_id: UUID, world: str
) -> NamedNotification | None:
    """The notification, for the holder of the link at the foot of its mail."""


class WantedDigest(Row, frozen=True):
    user_id: UUID
    merchant_id: UUID
    zone: str
    digest_hour: int | None
    last_day: date | None


# Whoever asked for digests and may have one: the merchants that they reach in this world. A loose
# filter; who is told is decided by the rule.
@PEOPLE.statement("""
SELECT c.user_id, c.subject_id AS merchant_id, coalesce(s.zone, 'GMT') AS zone, s.digest_hour,
  (SELECT max(d.local_day) FROM digests d WHERE d.user_id = c.user_id AND d.world = c.world
    AND d.merchant_id = c.subject_id) AS last_day
FROM notification_choices c LEFT JOIN person_settings s USING (user_id)
WHERE c.world = $1 AND c.kind = 'digest' AND (c.on_page OR c.by_mail)
  ORDER BY c.subject_id, c.user_id
""")
async def digests_wanted(db: Read, world: str) -> list[WantedDigest]: ...
