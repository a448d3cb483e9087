"""Looks of the operator's people as somebody of a merchant. People database; wall time."""

from datetime import datetime
from uuid import UUID

from recoup.store.homes import PEOPLE
from recoup.store.statement import Read, Row, statement


class Look(Row, frozen=True):
    """`user_id` None: as nobody, with `role`; `name` of the user. `over`: ended, or its time is up."""

    look_id: UUID
    merchant_id: UUID
    merchant_name: str
    user_id: UUID | None
    name: str
    role: str
    reason: str
    may_act: bool
    expires_at: datetime
    over: bool


@statement(
    PEOPLE,
    """
SELECT l.look_id, l.merchant_id, coalesce(w.name, '') AS merchant_name, l.user_id, coalesce(u.name, '') AS name, l.role,
  l.reason, l.may_act, l.expires_at, l.ended_at IS NOT NULL OR l.expires_at <= $2 OR l.world <> s.world AS over
FROM sessions s JOIN looks l ON l.look_id = s.look_id AND l.staff_id = s.user_id
LEFT JOIN users u ON u.user_id = l.user_id
LEFT JOIN merchant_worlds w ON w.merchant_id = l.merchant_id AND w.world = l.world
WHERE s.session_hash = $1
""",
)
async def look_of(db: Read, session_hash: bytes, now: datetime) -> Look | None:
    """The last one of this session, over or not."""


class LookTarget(Row, frozen=True):
    user_id: UUID
    name: str
    role: str


@statement(
    PEOPLE,
    """
SELECT u.user_id, u.name, m.role FROM memberships m JOIN users u USING (user_id)
WHERE m.subject_kind = 'merchant' AND m.subject_id = $1 AND m.world = $3 AND u.state = 'active' AND u.user_id <> $2
  AND ($4::uuid IS NULL OR u.user_id = $4)
ORDER BY array_position(ARRAY['owner', 'operations', 'developer', 'analyst'], m.role), lower(u.name) LIMIT 200
""",
)
async def members_to_look_as(
    db: Read, merchant_id: UUID, staff_id: UUID, world: str, user_id: UUID | None = None
) -> list[LookTarget]:
    """The merchant's own members, without the one who looks; or this one."""
